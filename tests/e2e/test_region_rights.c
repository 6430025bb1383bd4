/* SPDX-License-Identifier: Apache-2.0 */
/* The very files of examples/nats/regions: a reads b, and can do nothing else there; b can do nothing in a. */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define READY_MS 20000

static struct nats a, b;
static struct host host_a, host_b;
static struct output o;
static char admin_a[96], admin_b[96], link_b[96], init_a[96];

/* Only what would clash on one machine is another: where they listen, where they store. */
static void start_server(struct nats *n, const char *region, int leaf_port, char ret_admin[static 96])
{
    struct nats_server *s = &n->server[0];
    char path[512];
    nats_init(n, 1);
    snprintf(path, sizeof path, "%s/region-%s.conf", e2e_folder(), region);
    ck_assert_msg(
        shell(&o,
              "sed -e 's|127.0.0.1:4222|127.0.0.1:%d|' -e 's|/var/lib/nats|%s|' -e 's|127.0.0.1:7422|127.0.0.1:%d|' "
              "%s/nats/regions/region-%s.conf >%s",
              s->port, s->store, leaf_port, EXAMPLES_DIR, region, path) == 0,
        "%s", o.err);
    proc_start(&s->proc, s->name, (const char *const[]){nats_server_program(), "-c", path, NULL}, NULL);
    snprintf(ret_admin, 96, "nats://admin:admin-secret@127.0.0.1:%d", s->port);
    (void)wait_until(READY_MS, proc_running(&s->proc) && kv_server_ready(ret_admin), s->name);
}

static void write_password(const char *name, char ret_path[static 512])
{
    snprintf(ret_path, 512, "%s/%s.password", e2e_folder(), name);
    FILE *file = fopen(ret_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fchmod(fileno(file), 0600) == 0 && fprintf(file, "%s-secret\n", name) > 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_buckets(const struct nats *n, const char *region)
{
    char path[512];
    write_password("admin", path);
    ck_assert_msg(
        shell(&o,
              "echo 'region = \"%s\"; registry = { lease_ttl = \"3s\"; }; nats = { servers = [\"%s\"]; user = "
              "\"admin\"; password_file = \"%s\"; };' >%s/admin.conf && %s -c %s/admin.conf --init",
              region, n->server[0].url, path, e2e_folder(), e2e_binary("discoverd"), e2e_folder()) == 0,
        "%s", o.err);
}

/* By a's operator; with the accounts of the file, into that which the link ends in. */
static void make_mirrors(void)
{
    char admin[512], init[512];
    write_password("admin", admin);
    write_password("init", init);
    ck_assert_msg(
        shell(&o,
              "echo 'region = \"a\"; registry = { lease_ttl = \"3s\"; }; nats = { servers = [\"%s\"]; user = "
              "\"admin\"; password_file = \"%s\"; }; regions = ( { name = \"b\"; js_domain = \"b\"; mirror = "
              "\"MIRROR_%%s\"; nats = { servers = [\"%s\"]; user = \"init\"; password_file = \"%s\"; }; } );' "
              ">%s/admin.conf && %s -c %s/admin.conf --init",
              a.server[0].url, admin, a.server[0].url, init, e2e_folder(), e2e_binary("discoverd"), e2e_folder()) == 0,
        "%s%s", o.out, o.err);
    ck_assert_msg(strstr(o.out, "mirror MIRROR_HOSTS of region b did not exist: made it"), "%s", o.out);
}

static void start_host(struct host *h, const struct nats *n, const char *name, const char *extra)
{
    char path[512], bus[1024];
    write_password("web-1", path);
    snprintf(bus, sizeof bus, "user = \"web-1\"; password_file = \"%s\";", path);
    host_start(
        h,
        &(struct host_options){
            .name = name, .host = "web-1", .nats = n->urls, .registry = "create = false;", .bus = bus, .extra = extra});
}

static int64_t mirrored(void)
{
    struct kv kv;
    kv_open(&kv, init_a);
    int64_t n = kv_stream_count(&kv, "MIRROR_SERVICES");
    kv_close(&kv);
    return n;
}

static void start(void)
{
    char path[512], extra[1024];
    int leaf_port = port_take();
    start_server(&b, "b", leaf_port, admin_b);
    start_server(&a, "a", leaf_port, admin_a);
    snprintf(init_a, sizeof init_a, "nats://init:init-secret@127.0.0.1:%d", a.server[0].port);
    snprintf(link_b, sizeof link_b, "nats://reader:reader-secret@127.0.0.1:%d", a.server[0].port);
    make_buckets(&a, "a");
    make_buckets(&b, "b");
    make_mirrors();
    write_password("reader", path);
    snprintf(
        extra, sizeof extra,
        "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; mirror = \"MIRROR_%%s\"; nats = { servers = "
        "[%s]; user = \"reader\"; password_file = \"%s\"; }; } );",
        a.urls, path);
    start_host(&host_b, &b, "b", "region = \"b\";");
    ck_assert_int_eq(ctl(&host_b, &o, "register", "shop/payment", "--port", "1001", "--ttl", "60s", NULL), 0);
    wait_until(10000, mirrored() == 1, "the mirror of SERVICES is empty");
    start_host(&host_a, &a, "a", extra);
}

static bool reads(const char *service)
{
    struct discover_endpoint e[4];
    size_t n = 0;
    int verdict = discover_resolve(host_lib(&host_a), service, e, 4, &n);
    snprintf(host_a.seen, sizeof host_a.seen, "%d, %zu instances", verdict, n);
    return verdict == DISCOVER_FRESH && n == 1;
}

/* Two hosts of one name, in two regions, are two. */
START_TEST(a_reads_b_by_these_files)
{
    start();
    wait_until(10000, reads("shop/payment@b"), host_a.seen);
    ck_assert_int_eq(ctl(&host_b, &o, "register", "shop/cart", "--port", "1002", "--ttl", "60s", NULL), 0);
    wait_until(2000, reads("shop/cart@b"), host_a.seen);
    ck_assert_int_eq(ctl(&host_a, &o, "hosts", NULL), 0);
    ck_assert_msg(strstr(o.out, "region a"), "%s", o.out);
    ck_assert_int_eq(ctl(&host_a, &o, "regions", NULL), 0);
    ck_assert_msg(strstr(o.out, "mirror valid"), "%s", o.out); /* which is what was read */
}
END_TEST

static int64_t count(const char *url, const char *bucket)
{
    struct kv kv;
    kv_open(&kv, url);
    int64_t n = kv_count(&kv, bucket);
    kv_close(&kv);
    return n;
}

static void publish(const char *url, const char *subject)
{
    struct kv kv;
    kv_open(&kv, url);
    (void)natsConnection_PublishString(kv.nc, subject, "x");
    (void)natsConnection_FlushTimeout(kv.nc, 2000);
    kv_close(&kv);
}

/* As the daemons of a may ask, and as a's operator could: by the link itself. */
START_TEST(a_cannot_write_b_nor_b_a)
{
    static const char *const subjects[] = {"$KV.SERVICES.shop.payment.web-1.evil",
                                           "$KV.HOSTS.evil",
                                           "$JS.b.API.$KV.SERVICES.shop.payment.web-1.evil",
                                           "$JS.b.API.$KV.HOSTS.evil",
                                           "$JS.b.API.STREAM.DELETE.KV_SERVICES",
                                           "$JS.b.API.STREAM.PURGE.KV_SERVICES",
                                           "$JS.b.API.STREAM.DELETE.KV_HOSTS",
                                           "$JS.a.API.STREAM.DELETE.KV_SERVICES",
                                           "$JS.a.API.STREAM.DELETE.MIRROR_SERVICES",
                                           "$JS.a.API.STREAM.DELETE.MIRROR_HOSTS",
                                           "$JS.API.STREAM.DELETE.KV_SERVICES",
                                           "discover.b.services.shop.payment.web-1.evil"};
    start();
    wait_until(10000, reads("shop/payment@b"), host_a.seen);
    int64_t hosts_a = count(admin_a, "HOSTS"), hosts_b = count(admin_b, "HOSTS");
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        publish(link_b, subjects[i]);
        publish(admin_b,
                subjects[i][0] == '$' && subjects[i][4] == 'a' ? subjects[i] : "$JS.a.API.STREAM.DELETE.KV_HOSTS");
    }
    ck_assert_int_eq(count(admin_b, "SERVICES"), 1);
    ck_assert_int_eq(count(admin_b, "HOSTS"), hosts_b);
    ck_assert_int_eq(count(admin_a, "HOSTS"), hosts_a);
    ck_assert_int_eq(count(admin_a, "SERVICES"), 0);
    ck_assert_int_eq(mirrored(), 1);
    ck_assert_msg(reads("shop/payment@b"), "%s", host_a.seen);
}
END_TEST

E2E_TESTS("rights between regions", 60, {"a_reads_b_by_these_files", a_reads_b_by_these_files},
          {"a_cannot_write_b_nor_b_a", a_cannot_write_b_nor_b_a})
