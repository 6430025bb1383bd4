/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon whose table cannot grow says so, forgets nothing, and serves it all once it can; and is whole when ready. */
#include <discover/discover.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/large_services.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define DOMAIN    "services_per_domain = 100000; " /* all are of one */
#define SERVICES  17000                            /* of 4 KiB each: more than the first segment holds */
#define TABLE_MAX (64 << 20)

static struct nats nats;
static struct host a, late;
static struct kv kv;

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
    int code = ctl(&a, &o, "status", NULL);
    snprintf(a.seen, sizeof a.seen, "%.1000s", o.out);
    return code == 0 && strstr(o.out, text);
}

START_TEST(the_table_cannot_grow)
{
    struct output o;
    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.nats = nats.urls, .extra = "limits = { table_bytes = 67108864; " DOMAIN "};"});
    kv_open(&kv, nats.server[0].url);
    let_files_grow_to(TABLE_MAX);
    large_services_put(&kv, SERVICES);
    (void)wait_until(90000, status_has("synchronised   degraded"), a.seen);
    (void)wait_until(5000, status_has("File too large"), a.seen);
    (void)wait_until(90000, status_has("catalog        17000 services"), a.seen);
    (void)wait_until(10000, ctl(&a, &o, "list", NULL) == 0 && strstr(o.err, "degraded"), o.err);
    ck_assert_int_lt(services_known(&a), SERVICES);
    /* Its own services and their end go on. */
    ck_assert_int_eq(ctl(&a, &o, "drain", NULL), 0);

    let_files_grow_to(RLIM_INFINITY);
    (void)wait_until(90000, services_known(&a) == SERVICES, a.seen);
    (void)wait_until(5000, status_has("synchronised   live"), a.seen);
    ck_assert(!status_has("not served"));
    kv_close(&kv);
}
END_TEST

/* A daemon that starts says that it is ready when it can answer for all of it, however long that takes to write. */
START_TEST(ready_is_whole)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .extra = "limits = { " DOMAIN "};"});
    kv_open(&kv, nats.server[0].url);
    large_services_put(&kv, SERVICES);
    (void)wait_until(90000, services_known(&a) == SERVICES, a.seen);
    host_start(&late, &(struct host_options){.name = "late", .nats = nats.urls, .extra = "limits = { " DOMAIN "};"});
    ck_assert_int_eq(services_known(&late), SERVICES);
    host_kill(&late);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("exhausted", 300, {"the_table_cannot_grow", the_table_cannot_grow}, {"ready_is_whole", ready_is_whole})
