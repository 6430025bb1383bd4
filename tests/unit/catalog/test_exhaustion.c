/* SPDX-License-Identifier: Apache-2.0 */
/* The table cannot grow: nothing is forgotten, what is gone leaves the answers all the same, and all is well afterwards. */
#include "daemon/catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/unit.h"

#define SERVICES 400 /* far more than the smallest segment and the next one hold */

static struct catalog *c;
static struct rlimit before;

static void setup(void)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "",
                                .hosts_max = 10,
                                .services_max = 10000,
                                .instances_per_host_max = 10000};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    ck_assert_int_eq(catalog_set_host(c, "web-1", &(struct lease){.region = "eu"}, true, 1), 0);
}

/* A large record, so that the table is soon full. */
static void put(const char *service, const char *instance)
{
    struct instance_key key = {.domain = "shop", .host = "web-1"};
    struct record r;
    char name[8], value[250];
    strcpy(key.service, service);
    strcpy(key.instance, instance);
    record_init(&r);
    r.epoch = r.counter = 1;
    r.port = 80;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < RECORD_META_MAX; i++) {
        snprintf(name, sizeof name, "k%d", i);
        ck_assert_int_eq(record_set_meta(&r, name, value), 0);
    }
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
}

static void take(const char *service, const char *instance)
{
    struct instance_key key = {.domain = "shop", .host = "web-1"};
    strcpy(key.service, service);
    strcpy(key.instance, instance);
    catalog_remove(c, &key);
}

/* Usable instances in the table, or a negative errno. */
static int usable(const char *service)
{
    struct discover_endpoint e[4];
    char key[80];
    size_t n;
    int length = snprintf(key, sizeof key, "shop/%s", service);
    int err = table_endpoints(table_writer_table(catalog_table(c)), key, (size_t)length, e, 4, &n);
    return err < 0 ? err : (int)n;
}

static size_t missing(void)
{
    char name[16];
    size_t n = 0;
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        n += usable(name) != 1;
    }
    return n;
}

static void put_all(void)
{
    char name[16];
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        put(name, "i");
    }
}

/* As when somebody holds all descriptors that the process may have. */
static void use_up_descriptors(void)
{
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(next, 0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, before.rlim_max}), 0);
}

static void teardown(void)
{
    catalog_free(c);
}

START_TEST(grows_when_descriptors_are_used_up)
{
    use_up_descriptors();
    put_all();
    catalog_flush(c);
    ck_assert_uint_ge(table_writer_stats(catalog_table(c)).moves, 2);
    ck_assert(!catalog_is_unwritten(c));
    ck_assert_uint_eq(missing(), 0);
}
END_TEST

/* A memfd is a file, too: this one may not be made any larger. Nothing is asserted meanwhile, which would write to another. */
static size_t flush_without_room(void)
{
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    int err = setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 16, before.rlim_max});
    size_t changes = catalog_flush(c);
    err |= setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(err, 0);
    return changes;
}

START_TEST(what_could_not_be_written_is_written_later)
{
    put("two", "a");
    put("two", "b");
    put("one", "a");
    catalog_flush(c);
    put_all();
    flush_without_room();
    size_t n = catalog_unwritten(c);
    ck_assert_uint_gt(n, 100);
    ck_assert_uint_ge(n, missing());
    ck_assert_uint_eq(catalog_counts(c).flush_errors, n);
    ck_assert_int_eq(catalog_counts(c).flush_error, -EFBIG);
    ck_assert_uint_eq(flush_without_room(), 0); /* it is not tried at each flush */
    ck_assert_uint_eq(catalog_counts(c).flush_errors, n);

    ck_assert_uint_eq(catalog_flush_again(c), n);
    ck_assert(!catalog_is_unwritten(c));
    flush_without_room();
    ck_assert_uint_eq(catalog_unwritten(c), n);

    /* What is gone is gone, with or without memory: one of two, one of one, and one that was never written. */
    take("two", "b");
    take("one", "a");
    take("s0", "i");
    flush_without_room();
    ck_assert_int_eq(usable("two"), 1);
    ck_assert_int_eq(usable("one"), -ENOENT);

    ck_assert_uint_gt(catalog_flush_again(c), 0);
    put("s0", "i");
    catalog_flush(c);
    ck_assert(!catalog_is_unwritten(c));
    ck_assert_uint_eq(missing(), 0);
    ck_assert_int_eq(usable("two"), 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog/exhaustion", grows_when_descriptors_are_used_up,
              what_could_not_be_written_is_written_later)
