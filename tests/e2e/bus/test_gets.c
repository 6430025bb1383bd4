/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots by those who may make no consumers: all of a bucket, each key once, whatever was overwritten and whatever
 * its writers put there; by direct gets, in batches, or from the leader, as NATS permits and the server can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/metrics.h"
#include "tests/e2e/bus/station.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/raw_nats.h"
#include "tests/support/registry_server.h"
#include "tests/support/wait.h"

#define WAIT_MS 20000
#define KEYS    3000

#define USERS(rights)                                                                                                  \
    "authorization { users = [ { user: reader, password: reader, permissions: {\n"                                     \
    "  publish: [ \"$JS.API.STREAM.INFO.*\" " rights "], subscribe: [\"_INBOX.a.>\", \"discover.test.>\"] } },\n"      \
    "  { user: admin, password: admin } ] }\nno_auth_user: admin"
#define DIRECT   ", \"$JS.API.DIRECT.GET.*\" "
#define LEADER   ", \"$JS.API.STREAM.MSG.GET.*\" "
#define CONSUMER ", \"$JS.API.CONSUMER.>\" "

static struct nats nats;
static struct station a;
static struct kv kv;
static size_t present;

static void put(size_t i, const char *value)
{
    char key[64];
    snprintf(key, sizeof key, "shop.s%zu.host-%zu.i%zu", i % 7, i % 11, i);
    (void)kv_put(&kv, "SERVICES", key, value, strlen(value));
}

/* Keys of which some are long overwritten, some deleted, some without a value: sequences with holes of every size. */
static void fill(void)
{
    kv_open(&kv, nats.server[0].url);
    for (size_t i = 0; i < KEYS; i++)
        put(i, "first");
    for (size_t i = 0; i < KEYS; i += i < KEYS / 2 ? 1 : 7)
        put(i, "second");
    for (size_t i = 0; i < KEYS; i += 100)
        put(i, "");
    kv_delete(&kv, "SERVICES", "shop.s1.host-1.i1");
    present = KEYS;
}

static void start_server(size_t n, const char *users)
{
    nats_init(&nats, n);
    nats.extra = users;
    for (size_t i = 0; i < n; i++)
        nats_server_launch(&nats, i);
    nats_wait_ready(&nats);
}

static void start_reader(void)
{
    struct bus_options options = station_options(&nats, "a");
    options.user = "reader";
    options.password_file = station_password("reader");
    options.create = false;
    station_start(&a, &options);
}

/* As an operator does it: discoverd --init. */
static void make_buckets(void)
{
    struct bus_options options = station_options(&nats, "admin");
    station_start(&a, &options);
    for (int b = 0; b < BUS_BUCKETS; b++) /* a cluster may have to find itself first */
        (void)wait_until(WAIT_MS, station_synced(&a, (enum bus_bucket)b), station_seen(&a));
    station_stop(&a);
}

static void reads_all(void)
{
    ck_assert_msg(station_synced(&a, BUS_SERVICES), "%s", station_seen(&a));
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].entries, present);
    ck_assert_msg(station_synced(&a, BUS_HOSTS), "%s", station_seen(&a));
    ck_assert_uint_eq(a.bucket[BUS_HOSTS].entries, 0);
}

static void add_gets(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    if (strcmp(metric->name, "discoverd_bus_gets_total") == 0)
        *(uint64_t *)arg = value;
}

static uint64_t gets(void)
{
    struct metrics *m;
    uint64_t n = UINT64_MAX;
    ck_assert_int_eq(metrics_new(&m), 0);
    ck_assert_int_eq(bus_add_metrics(a.bus, m), 0);
    metrics_each(m, add_gets, &n);
    metrics_free(m);
    return n;
}

/* A status line of a stored message is its writer's. */
static void put_statuses(void)
{
    static const char *const blocks[] = {"NATS/1.0 503\r\n\r\n", "NATS/1.0 404 Message Not Found\r\n\r\n",
                                         "NATS/1.0 204 EOB\r\n\r\n", "NATS/1.0 100 Idle Heartbeat\r\n\r\n",
                                         "NATS/1.0 409 Consumer Deleted\r\n\r\n"};
    struct raw_nats raw;
    char subject[64];
    raw_open(&raw, nats.server[0].port, "admin", "admin");
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.x.y.status.%zu", i);
        raw_publish(&raw, subject, NULL, blocks[i], "", 0);
        present++;
    }
    ck_assert(raw_flush(&raw));
    raw_close(&raw);
}

static void read_with(const char *users, uint64_t gets_min, uint64_t gets_max)
{
    start_server(1, users);
    make_buckets();
    fill();
    put_statuses();
    put(1, "behind them");
    start_reader();
    reads_all();
    reads_all(); /* and again, now that it is known what is denied */
    ck_assert_msg(gets() >= gets_min && gets() <= gets_max, "%u gets", (unsigned)gets());
    station_stop(&a);
    kv_close(&kv);
}

START_TEST(by_direct_gets)
{
    read_with(USERS(DIRECT LEADER), 4, 3 * KEYS);
}
END_TEST

START_TEST(by_direct_gets_alone)
{
    read_with(USERS(DIRECT), 4, 3 * KEYS);
}
END_TEST

START_TEST(by_the_leader_alone)
{
    read_with(USERS(LEADER), 2 * KEYS, 3 * KEYS);
}
END_TEST

START_TEST(by_nothing_is_reported)
{
    start_server(1, USERS(""));
    make_buckets();
    fill();
    start_reader();
    station_resync(&a, BUS_SERVICES);
    ck_assert_int_eq(a.bucket[BUS_SERVICES].end_err, -EACCES);
    ck_assert_msg(strstr(a.last_reason, "neither consumers nor DIRECT.GET nor STREAM.MSG.GET"), "%s", a.last_reason);
    station_stop(&a);
    kv_close(&kv);
}
END_TEST

static void put_unreadable(void)
{
    static const char *const blocks[] = {"NATS/1.0\r\nNats-Subject: $KV.SERVICES.a.b.c.d\r\n\r\nfoo\r\n\r\n", "xxxx",
                                         "NATS/1.0\r\n A: 5\r\n\r\n"};
    struct raw_nats raw;
    char subject[64];
    raw_open(&raw, nats.server[0].port, "admin", "admin");
    for (size_t i = 0; i < 3; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.x.y.evil.%zu", i);
        raw_publish(&raw, subject, NULL, blocks[i], "x", 1);
        present++;
    }
    ck_assert(raw_flush(&raw));
    put(0, "later"); /* what is behind them is read as well */
    raw_close(&raw);
}

START_TEST(what_cannot_be_read_is_asked_of_the_leader)
{
    start_server(1, USERS(DIRECT LEADER));
    make_buckets();
    fill();
    put_unreadable();
    start_reader();
    reads_all();
    station_stop(&a);
    kv_close(&kv);
}
END_TEST

START_TEST(what_cannot_be_read_without_a_leader_is_reported)
{
    start_server(1, USERS(DIRECT));
    make_buckets();
    fill();
    put_unreadable();
    start_reader();
    station_resync(&a, BUS_SERVICES);
    ck_assert_int_eq(a.bucket[BUS_SERVICES].end_err, -EACCES);
    ck_assert_msg(strstr(a.last_reason, "headers that cannot be read"), "%s", a.last_reason);
    station_stop(&a);
    kv_close(&kv);
}
END_TEST

/* Consumers are made where they may be, and none of the gets is used. */
START_TEST(consumers_where_they_are_allowed)
{
    read_with(USERS(CONSUMER), 0, 0);
}
END_TEST

/* Three servers: any of them may answer a direct get, and one of them is not there. */
START_TEST(in_a_cluster)
{
    start_server(3, USERS(DIRECT LEADER));
    make_buckets();
    fill();
    start_reader();
    reads_all();
    kv_close(&kv);
    nats_server_kill(&nats, 2);
    station_resync(&a, BUS_SERVICES); /* it may have been connected there, and the leader have been there */
    (void)wait_until(WAIT_MS, station_synced(&a, BUS_SERVICES), station_seen(&a));
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].entries, present);
    station_stop(&a);
}
END_TEST

/* As "nats kv add --history 5" makes it: what is older is not true any more. */
START_TEST(of_a_bucket_with_a_history_the_latest_of_each_key)
{
    start_server(1, USERS(DIRECT));
    make_buckets();
    fill();
    kv_edit_stream(&kv, "SERVICES", "{\"max_msgs_per_subject\": 5}");
    for (size_t i = 0; i < KEYS; i += 2)
        put(i, "third");
    kv_delete(&kv, "SERVICES", "shop.s1.host-1.i1");
    ck_assert_int_gt(kv_count(&kv, "SERVICES"), KEYS + KEYS / 3);
    start_reader();
    reads_all();
    station_stop(&a);
    kv_close(&kv);
}
END_TEST

/* A server that knows batches is asked for few of them instead of for each message. */
START_TEST(in_batches)
{
    const char *program = registry_server_program("sid");
    if (!program)
        return;
    setenv("NATS_SERVER", program, 1);
    read_with(USERS(DIRECT LEADER), 4, 30);
}
END_TEST

E2E_TESTS("bus gets", 120, {"by_direct_gets", by_direct_gets}, {"by_direct_gets_alone", by_direct_gets_alone},
          {"by_the_leader_alone", by_the_leader_alone}, {"by_nothing_is_reported", by_nothing_is_reported},
          {"what_cannot_be_read_is_asked_of_the_leader", what_cannot_be_read_is_asked_of_the_leader},
          {"what_cannot_be_read_without_a_leader_is_reported", what_cannot_be_read_without_a_leader_is_reported},
          {"consumers_where_they_are_allowed", consumers_where_they_are_allowed}, {"in_a_cluster", in_a_cluster},
          {"of_a_bucket_with_a_history_the_latest_of_each_key", of_a_bucket_with_a_history_the_latest_of_each_key},
          {"in_batches", in_batches})
