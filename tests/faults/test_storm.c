/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet comes back at once: a thousand buses, each with connection, readers and followers as a daemon has them. No
 * consumer may be left behind a minute later, and the real hosts among them must not suffer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/bus/bus.h"
#include "daemon/sync/follow.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define FLEET          1000
#define START_MS       90000
#define BACK_MS        90000
#define NO_CONSUMER_MS 60000
#define AGREE_MS       60000
#define HOLD_MS        5000

struct member;

/* As the callbacks of its follower get it. */
struct member_feed {
    struct member *member;
    enum bus_bucket bucket;
    struct follow *follow;
    int refused; /* a resync could not be asked for: told at the next turn */
    bool synced;
};

struct member {
    struct bus *bus;
    char name[16];
    struct member_feed feeds[BUS_BUCKETS];
};

static struct nats nats;
static struct observe o;
static struct member fleet[FLEET];
static unsigned failures; /* of readings; each is tried again */

/* ---- what the followers ask for ---- */

static void resync(void *arg)
{
    struct member_feed *f = arg;

    f->refused = bus_order(f->member->bus, BUS_RESYNC, f->bucket);
}

static void check(void *arg)
{
    struct member_feed *f = arg;

    (void)bus_order(f->member->bus, BUS_CHECK, f->bucket);
}

static void synced(void *arg, bool is_synced)
{
    ((struct member_feed *)arg)->synced = is_synced;
}

static void apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    (void)arg, (void)m, (void)from_snapshot;
}

static void remove_key(void *arg, const char *key, size_t key_len, uint64_t seq)
{
    (void)arg, (void)key, (void)key_len, (void)seq;
}

static void snapshot_begin(void *arg)
{
    (void)arg;
}

static void snapshot_end(void *arg, enum follow_end end)
{
    (void)arg;
    failures += end == FOLLOW_ABORTED;
}

static uint32_t random32(void *arg)
{
    (void)arg;
    return (uint32_t)random();
}

/* ---- what the buses report ---- */

static struct follow *follow_of(void *arg, enum bus_bucket bucket)
{
    return ((struct member *)arg)->feeds[bucket].follow;
}

static void on_connected(void *arg, const char *server)
{
    (void)server;
    for (int k = 0; k < BUS_BUCKETS; k++)
        follow_connected(follow_of(arg, (enum bus_bucket)k), clock_now_ns());
}

static void on_disconnected(void *arg, const char *reason)
{
    (void)reason;
    for (int k = 0; k < BUS_BUCKETS; k++)
        follow_disconnected(follow_of(arg, (enum bus_bucket)k), clock_now_ns());
}

static void on_text(void *arg, const char *text)
{
    (void)arg, (void)text;
}

static void on_live(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    (void)follow_live(follow_of(arg, bucket), m, clock_now_ns());
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    follow_gap(follow_of(arg, bucket), clock_now_ns());
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    follow_info(follow_of(arg, bucket), info->err, info->created, info->last_seq, clock_now_ns());
}

static void on_snapshot_entry(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    follow_snapshot_entry(follow_of(arg, bucket), m);
}

static void on_snapshot_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    (void)reason;
    follow_snapshot_end(follow_of(arg, bucket), err, clock_now_ns());
}

static void on_put_done(void *arg, const struct bus_put_result *result)
{
    (void)arg, (void)result;
}

static void follow_start(struct member *m)
{
    static const struct follow_ops ops = {
        .resync = resync,
        .check = check,
        .apply = apply,
        .remove = remove_key,
        .snapshot_begin = snapshot_begin,
        .snapshot_end = snapshot_end,
        .synced = synced,
        .random = random32,
    };

    for (int k = 0; k < BUS_BUCKETS; k++) {
        struct member_feed *f = &m->feeds[k];
        *f = (struct member_feed){.member = m, .bucket = (enum bus_bucket)k};
        ck_assert_int_eq(
            follow_new(&(struct follow_options){.touched_max = FOLLOW_TOUCHED_MAX, .quiet_ns = FOLLOW_QUIET_NS}, &ops,
                       f, &f->follow),
            0);
    }
}

static void on_moved(void *arg, const char *server, bool reloaded)
{
    (void)arg, (void)server, (void)reloaded;
}

static void member_start(struct member *m, size_t i)
{
    static const struct bus_events events = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .problem = on_text,
        .live = on_live,
        .gap = on_gap,
        .info = on_info,
        .snapshot_entry = on_snapshot_entry,
        .snapshot_end = on_snapshot_end,
        .put_done = on_put_done,
        .moved = on_moved,
    };
    const char *servers[] = {nats.server[0].url};
    char why[BUS_WHY_CAP];

    snprintf(m->name, sizeof m->name, "fleet-%zu", i);
    follow_start(m);
    const struct bus_options options = {.servers = servers,
                                        .n_servers = 1,
                                        .buckets = {"SERVICES", "HOSTS"},
                                        .region = "local",
                                        .host = m->name,
                                        .replicas = 1,
                                        .max_bytes = {256 << 20, 16 << 20},
                                        .mailbox = 16384,
                                        .max_puts = 8192,
                                        .max_value = 8192,
                                        .snapshot_timeout_ns = 60 * NS_PER_S,
                                        .info_timeout_ns = BUS_INFO_TIMEOUT_NS,
                                        .record_ttl_ns = 3600 * NS_PER_S,
                                        .lease_ttl_ns = 3 * NS_PER_S};
    ck_assert_msg(bus_new(&options, &events, m, &m->bus, why) == 0, "%s", why);
    ck_assert_int_eq(bus_start(m->bus, NULL), 0);
}

static void member_work(struct member *m)
{
    bus_dispatch(m->bus);
    for (int k = 0; k < BUS_BUCKETS; k++) {
        struct member_feed *f = &m->feeds[k];
        (void)follow_tick(f->follow, clock_now_ns());
        if (f->refused)
            follow_snapshot_end(f->follow, f->refused, clock_now_ns());
        f->refused = 0;
    }
}

static char seen[160];

static bool all_have_read(void)
{
    size_t n = 0;

    for (size_t i = 0; i < FLEET; i++) {
        member_work(&fleet[i]);
        n += fleet[i].feeds[BUS_SERVICES].synced && fleet[i].feeds[BUS_HOSTS].synced;
    }
    snprintf(seen, sizeof seen, "%zu have read, %u readings failed", n, failures);
    (void)observe_all_agree(&o); /* keeps what this process registered alive */
    return n == FLEET;
}

static int64_t consumers(struct kv *kv, const char *stream)
{
    jsStreamInfo *info = NULL;

    natsStatus status = js_GetStreamInfo(&info, kv->js, stream, NULL, NULL);
    if (status != NATS_OK)
        return -1;
    int64_t n = info->State.Consumers;
    jsStreamInfo_Destroy(info);
    return n;
}

static bool no_consumer(struct kv *kv)
{
    bool all_read = all_have_read();
    int64_t services = consumers(kv, "KV_SERVICES"), hosts = consumers(kv, "KV_HOSTS");

    snprintf(seen, sizeof seen, "consumers: %lld and %lld", (long long)services, (long long)hosts);
    return all_read && services == 0 && hosts == 0;
}

static void measure_again(const char *what, int64_t from_ns)
{
    char text[128];

    snprintf(text, sizeof text, "%d daemons, %s", FLEET, what);
    measured(text, clock_now_ns() - from_ns);
}

/*
 * Each of the thousand has a machine of its own, and the hosts that are observed have theirs. Here all have one: it is not to
 * be the want of processors that lets a host's lease run out. Threads begin with the priority of the one that makes them.
 */
static void begin_behind_the_hosts(bool behind)
{
    /* Back in front as root alone: otherwise the server that is started then waits with the fleet. */
    (void)setpriority(PRIO_PROCESS, 0, behind ? 10 : 0);
}

START_TEST(fleet_reconnects)
{
    struct kv kv;

    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s"});
    int64_t start_ns = clock_now_ns();
    begin_behind_the_hosts(true);
    for (size_t i = 0; i < FLEET; i++)
        member_start(&fleet[i], i);
    (void)wait_until(START_MS, all_have_read(), seen);
    measure_again("started at once, all have read both buckets after", start_ns);

    nats_server_kill(&nats, 0);
    observe_change(&o);
    observe_for(&o, 1000);
    begin_behind_the_hosts(false);
    nats_server_launch(&nats, 0);
    begin_behind_the_hosts(true);
    start_ns = clock_now_ns();
    observe_over(&o);
    (void)wait_until(BACK_MS, all_have_read() && observe_all_agree(&o), seen);
    measure_again("reconnected at once, all have read both buckets and the hosts agree after", start_ns);
    kv_open(&kv, nats.server[0].url);
    int64_t left_ms = NO_CONSUMER_MS - (clock_now_ns() - start_ns) / NS_PER_MS;
    (void)wait_until(left_ms, no_consumer(&kv), seen);
    measure_again("no consumer is left after", start_ns);
    printf("-- %d daemons, readings that were refused or cut off and made again: %u\n", FLEET, failures);
    observe_end(&o, "1,000 simulated daemons reconnect at once", AGREE_MS, HOLD_MS);
    kv_close(&kv);
    for (size_t i = 0; i < FLEET; i++)
        bus_stop(fleet[i].bus);
    for (size_t i = 0; i < FLEET; i++) {
        bus_free(fleet[i].bus);
        for (int k = 0; k < BUS_BUCKETS; k++)
            follow_free(fleet[i].feeds[k].follow);
    }
}
END_TEST

E2E_TESTS("fault of a fleet", 280, {"fleet_reconnects", fleet_reconnects})
