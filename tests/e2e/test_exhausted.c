/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon whose table cannot grow says so, forgets nothing, and serves it all once it can; and is whole when ready. */
#include <discover/discover.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "libdiscover/core/record.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICES  17000 /* of 4 KiB each: more than the first segment holds */
#define TABLE_MAX (64 << 20)

static struct nats nats;
static struct host a, late;
static struct kv kv;

static size_t make_record(uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    struct record r;
    char name[8], value[250];
    size_t n;
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
    ck_assert_int_eq(record_encode(&r, ret_bytes, &n), 0);
    return n;
}

static void put_services(void)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    char subject[100];
    size_t n = make_record(bytes);
    for (int i = 0; i < SERVICES; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.shop.s%d.web-%d.i", i, i % 4);
        ck_assert_int_eq(natsConnection_Publish(kv.nc, subject, bytes, (int)n), NATS_OK);
    }
    ck_assert_int_eq(natsConnection_FlushTimeout(kv.nc, 30000), NATS_OK);
}

static void let_files_grow_to(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(prlimit(a.proc.pid, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(prlimit(a.proc.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static bool status_has(const char *text)
{
    static struct output o;
    return ctl(&a, &o, "status", NULL) == 0 && strstr(o.out, text);
}

static int count_services(void *arg, const char *service, size_t usable, size_t total)
{
    (void)service, (void)usable, (void)total;
    ++*(int *)arg;
    return 0;
}

static int n_served(void)
{
    int n = 0;
    return discover_each_service(host_lib(&a), count_services, &n) < 0 ? -1 : n;
}

START_TEST(the_table_cannot_grow)
{
    struct output o;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .extra = "limits = { table_bytes = 67108864; };"});
    kv_open(&kv, nats.server[0].url);
    let_files_grow_to(TABLE_MAX);
    put_services();
    (void)wait_until(20000, status_has("synchronised   degraded"), "not degraded");
    (void)wait_until(5000, status_has("File too large"), "the reason is not told");
    (void)wait_until(20000, status_has("catalog        17000 services"), "not all known");
    ck_assert_int_eq(ctl(&a, &o, "list", NULL), 0);
    ck_assert_msg(strstr(o.err, "degraded"), "%s", o.err);
    ck_assert_int_lt(n_served(), SERVICES);
    /* Its own services and their end go on. */
    ck_assert_int_eq(ctl(&a, &o, "drain", NULL), 0);

    let_files_grow_to(RLIM_INFINITY);
    (void)wait_until(20000, n_served() == SERVICES, "not all served");
    (void)wait_until(5000, status_has("synchronised   live"), "not live again");
    ck_assert(!status_has("not served"));
    kv_close(&kv);
}
END_TEST

/* A daemon that starts says that it is ready when it can answer for all of it, however long that takes to write. */
START_TEST(ready_is_whole)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    kv_open(&kv, nats.server[0].url);
    put_services();
    (void)wait_until(20000, n_served() == SERVICES, "not all served");
    host_start(&late, &(struct host_options){.name = "late", .nats = nats.urls});
    int n = 0;
    ck_assert_int_ge(discover_each_service(host_lib(&late), count_services, &n), 0);
    ck_assert_int_eq(n, SERVICES);
    host_kill(&late);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("exhausted", 120, {"the_table_cannot_grow", the_table_cannot_grow}, {"ready_is_whole", ready_is_whole})
