/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog's file: what is written comes back, what is damaged does not. */
#include "daemon/catalog/catalog_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libdiscover/core/entry.h"
#include "tests/support/unit.h"

static char folder[64], path[128];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_snapshot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/catalog.snap", folder);
}

static void remove_folder(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left behind */
}

static struct catalog *new_catalog(void)
{
    struct catalog *c;
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "",
                                .table_words = 1 << 16,
                                .hosts_max = 100,
                                .services_max = 100,
                                .instances_per_host_max = 100};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    return c;
}

static int put(struct catalog *c, const char *text, uint64_t epoch, uint16_t port)
{
    struct instance_key key;
    struct record r;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    record_init(&r);
    r.epoch = epoch;
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(record_set_meta(&r, "version", "1.4"), 0);
    return catalog_put(c, &key, &r);
}

static void set_host(struct catalog *c, const char *host, uint64_t min_epoch, bool alive)
{
    struct lease l = {.epoch = 9, .min_epoch = min_epoch, .ttl_ms = 1000, .region = "eu", .zone = "eu-2"};
    ck_assert_int_eq(catalog_set_host(c, host, &l, alive, 1000), 0);
}

static int usable(struct catalog *c, const char *service, uint16_t *ret_port)
{
    struct discover_endpoint e[8];
    size_t n = 0;
    int err = table_endpoints(table_writer_table(catalog_table(c)), service, strlen(service), e, 8, &n);
    *ret_port = n ? e[0].port : 0;
    return err < 0 ? err : (int)n;
}

static void write_one(void)
{
    struct catalog *c = new_catalog();
    set_host(c, "web-2", 5, true);
    set_host(c, "web-3", 5, false);
    put(c, "shop.pay.web-1.own", 5, 1);
    put(c, "shop.pay.web-2.a", 5, 2);
    put(c, "shop.pay.web-3.a", 5, 3);
    catalog_flush(c);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(c)), "", path, 777), 0);
    catalog_free(c);
}

START_TEST(test_comes_back_and_gives_way)
{
    uint16_t port;
    int64_t wall_ms = 0;
    make_folder();
    write_one();
    struct catalog *c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), 0);
    ck_assert_int_eq(wall_ms, 777);
    catalog_flush(c);
    ck_assert_int_eq(usable(c, "shop/pay", &port), 1); /* not our own, not that of the dead host */
    ck_assert_uint_eq(port, 2);
    /* A lease alone does not take away what only the file knows; the bucket's records replace it. */
    set_host(c, "web-2", 6, true);
    catalog_flush(c);
    ck_assert_int_eq(usable(c, "shop/pay", &port), 1);
    catalog_snapshot_begin(c);
    ck_assert_int_eq(put(c, "shop.pay.web-2.a", 6, 22), 0);
    catalog_snapshot_end(c, true);
    catalog_flush(c);
    ck_assert_int_eq(usable(c, "shop/pay", &port), 1);
    ck_assert_uint_eq(port, 22);
    catalog_free(c);
    remove_folder();
}
END_TEST

/* Its host was gone before this daemon came: nobody answered with it, and after a restart nobody does. */
START_TEST(test_nobody_comes_back_who_was_not_served)
{
    uint16_t port;
    int64_t wall_ms = 0;
    make_folder();
    struct catalog *c = new_catalog();
    put(c, "shop.pay.web-4.a", 5, 4);
    catalog_flush(c);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(c)), "", path, 777), 0);
    catalog_free(c);
    c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 1000, &wall_ms), 0);
    catalog_flush(c);
    ck_assert_int_eq(usable(c, "shop/pay", &port), 0);
    catalog_free(c);
    remove_folder();
}
END_TEST

START_TEST(test_details_come_back)
{
    int64_t wall_ms;
    struct table_view v;
    struct entry e;
    const uint8_t *bytes;
    size_t n;
    make_folder();
    write_one();
    struct catalog *c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), 0);
    catalog_flush(c);
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(table_writer_table(catalog_table(c)), "shop/pay", 8, &v), 0);
    ck_assert_int_eq(table_view_details(&v, 0, &bytes, &n), 0);
    ck_assert_int_eq(entry_read(bytes, n, &e), 0);
    ck_assert_str_eq(e.host, "web-2");
    ck_assert_str_eq(e.zone, "eu-2");
    ck_assert_str_eq(e.tags[0], "canary");
    ck_assert_str_eq(e.meta[0].value, "1.4");
    table_view_fini(&v);
    catalog_free(c);
    remove_folder();
}
END_TEST

static void put_hostname(struct catalog *c, const char *text)
{
    struct instance_key key;
    struct record r;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    record_init(&r);
    r.epoch = 5;
    r.port = 5432;
    strcpy(r.hostname, "db.example.com");
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
}

/* What a host name resolved to comes back for whoever has it: for this host, which registers anew, as well. */
START_TEST(test_addresses_of_host_names_come_back)
{
    const struct addresses address = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 7}};
    struct discover_endpoint e[4];
    int64_t wall_ms;
    size_t n;
    make_folder();
    struct catalog *c = new_catalog();
    set_host(c, "web-2", 5, true);
    put_hostname(c, "shop.db.web-1.own");
    put_hostname(c, "shop.db.web-2.a");
    ck_assert_int_eq(catalog_set_address(c, "db.example.com", &address), 0);
    catalog_flush(c);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(c)), "", path, 777), 0);
    catalog_free(c);

    c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), 0);
    put_hostname(c, "shop.db.web-1.own");
    catalog_flush(c);
    ck_assert_int_eq(table_endpoints(table_writer_table(catalog_table(c)), "shop/db", 7, e, 4, &n), 0);
    ck_assert_uint_eq(n, 2);
    for (size_t i = 0; i < n; i++)
        ck_assert_mem_eq(e[i].ipv4, address.ipv4, 4);
    catalog_free(c);
    remove_folder();
}
END_TEST

static void note_host(void *arg, const char *host, const struct lease *lease)
{
    ck_assert_uint_eq(lease->epoch, 0);
    strcat(arg, host);
    strcat(arg, " ");
}

/* Whoever decides who is alive is told of them, until a lease speaks for them. */
START_TEST(test_remembered_hosts)
{
    int64_t wall_ms;
    char hosts[64] = "";
    make_folder();
    write_one();
    struct catalog *c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), 0);
    catalog_each_remembered(c, note_host, hosts);
    ck_assert_str_eq(hosts, "web-2 ");
    struct lease l = {.epoch = 9, .ttl_ms = 1000};
    ck_assert_int_eq(catalog_set_host(c, "web-2", &l, true, 6000), 0);
    hosts[0] = '\0';
    catalog_each_remembered(c, note_host, hosts);
    ck_assert_str_eq(hosts, "");
    catalog_free(c);
    remove_folder();
}
END_TEST

static void note_own(void *arg, const struct instance_key *key, const struct record *record)
{
    ck_assert_uint_eq(record->epoch, 0);
    ck_assert_str_eq(key->host, "web-1");
    strcat(arg, key->instance);
    strcat(arg, " ");
}

START_TEST(test_own_registrations)
{
    char own[64] = "";
    make_folder();
    write_one();
    ck_assert_int_eq(catalog_format_own(path, "web-1", note_own, own), 0);
    ck_assert_str_eq(own, "own ");
    own[0] = '\0';
    ck_assert_int_eq(catalog_format_own(path, "web-9", note_own, own), 0);
    ck_assert_str_eq(own, "");
    remove_folder();
}
END_TEST

static void expect_damaged(const char *bytes, size_t n)
{
    int64_t wall_ms = -1;
    FILE *f = fopen(path, "w");
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
    struct catalog *c = new_catalog();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), -EBADMSG);
    ck_assert_uint_eq(catalog_counts(c).instances, 0);
    ck_assert_uint_eq(catalog_counts(c).hosts, 0);
    catalog_free(c);
}

START_TEST(test_damage_is_refused_whole)
{
    static char bytes[1 << 16];
    make_folder();
    write_one();
    FILE *f = fopen(path, "r");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < n; cut += 7)
        expect_damaged(bytes, cut);
    for (size_t at = 0; at < n; at += 3) {
        bytes[at] ^= 0x10;
        expect_damaged(bytes, n);
        bytes[at] ^= 0x10;
    }
    expect_damaged("#!/bin/sh\nexit 0\n", 17);
    remove_folder();
}
END_TEST

START_TEST(test_no_file_and_no_room)
{
    int64_t wall_ms;
    struct catalog *c = new_catalog();
    make_folder();
    ck_assert_int_eq(catalog_format_load(c, path, 5000, &wall_ms), -ENOENT);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(c)), "", "/nowhere/catalog.snap", 1),
                     -ENOENT);
    put(c, "shop.pay.web-2.a", 5, 2);
    catalog_flush(c);
    char temporary[160];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    ck_assert_int_eq(symlink("/dev/full", temporary), 0);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(c)), "", path, 1), -ENOSPC);
    ck_assert_int_lt(access(path, F_OK), 0);
    catalog_free(c);
    remove_folder();
}
END_TEST

UNIT_TESTS("snapshot", test_comes_back_and_gives_way, test_nobody_comes_back_who_was_not_served, test_details_come_back,
           test_addresses_of_host_names_come_back, test_remembered_hosts, test_own_registrations,
           test_damage_is_refused_whole, test_no_file_and_no_room)
