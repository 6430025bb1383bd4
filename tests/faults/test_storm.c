/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet comes back at once: a thousand buses, each with connection and readers as a daemon has them, read
 * both buckets as soon as they are connected again, without the jitter of a daemon. No consumer may be left
 * behind, and the real hosts among them must not suffer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/bus/bus.h"
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
#define RETRY_NS       (250 * NS_PER_MS)

struct member {
    struct bus *bus;
    char name[16];
    bool connected;
    bool read[BUS_BUCKETS];        /* since it was connected */
    int64_t again_ns[BUS_BUCKETS]; /* when to try again; 0: a reading is under way or done */
};

static struct nats nats;
static struct observe o;
static struct member fleet[FLEET];
static unsigned failures; /* of readings; each is tried again */

static void on_connected(void *arg, const char *server)
{
    struct member *m = arg;

    (void)server;
    m->connected = true;
    for (size_t k = 0; k < BUS_BUCKETS; k++) {
        m->read[k] = false;
        m->again_ns[k] = 1;
    }
}

static void on_disconnected(void *arg, const char *reason)
{
    struct member *m = arg;

    (void)reason;
    m->connected = false;
    m->read[BUS_SERVICES] = m->read[BUS_HOSTS] = false;
}

static void on_snapshot_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    struct member *m = arg;

    (void)reason;
    m->read[bucket] = m->connected && err == 0;
    if (!m->read[bucket])
        m->again_ns[bucket] = clock_now_ns() + RETRY_NS;
    failures += err != 0;
}

static void on_text(void *arg, const char *text)
{
    (void)arg, (void)text;
}

static void on_message(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    (void)arg, (void)bucket, (void)m;
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    (void)arg, (void)bucket;
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    (void)arg, (void)bucket, (void)info;
}

static void on_put_done(void *arg, const struct bus_put_result *result)
{
    (void)arg, (void)result;
}

static void member_start(struct member *m, size_t i)
{
    static const struct bus_events events = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .problem = on_text,
        .live = on_message,
        .gap = on_gap,
        .info = on_info,
        .snapshot_entry = on_message,
        .snapshot_end = on_snapshot_end,
        .put_done = on_put_done,
        .moved = on_text,
    };
    const char *servers[] = {nats.server[0].url}, *why = "";

    snprintf(m->name, sizeof m->name, "fleet-%zu", i);
    const struct bus_options options = {.servers = servers,
                                        .n_servers = 1,
                                        .buckets = {"SERVICES", "HOSTS"},
                                        .region = "local",
                                        .host = m->name,
                                        .record_ttl_ns = 3600 * NS_PER_S,
                                        .lease_ttl_ns = 3 * NS_PER_S};
    ck_assert_msg(bus_new(&options, &events, m, &m->bus, &why) == 0, "%s", why);
    ck_assert_int_eq(bus_start(m->bus), 0);
}

static void member_work(struct member *m)
{
    bus_dispatch(m->bus);
    for (int k = 0; k < BUS_BUCKETS; k++) {
        if (m->connected && m->again_ns[k] && m->again_ns[k] <= clock_now_ns() &&
            bus_resync(m->bus, (enum bus_bucket)k) == 0)
            m->again_ns[k] = 0;
    }
}

static char seen[160];

static bool all_have_read(void)
{
    size_t n = 0, connected = 0;

    for (size_t i = 0; i < FLEET; i++) {
        member_work(&fleet[i]);
        connected += fleet[i].connected;
        n += fleet[i].read[BUS_SERVICES] && fleet[i].read[BUS_HOSTS];
    }
    snprintf(seen, sizeof seen, "%zu connected, %zu have read, %u readings failed", connected, n, failures);
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

START_TEST(fleet_reconnects)
{
    struct kv kv;

    nats_start(&nats, 1);
    observe_start(&o,
                  &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s"});
    int64_t start_ns = clock_now_ns();
    for (size_t i = 0; i < FLEET; i++)
        member_start(&fleet[i], i);
    (void)wait_until(START_MS, all_have_read(), seen);
    measure_again("started at once, all have read both buckets after", start_ns);

    nats_server_kill(&nats, 0);
    observe_change(&o);
    observe_for(&o, 1000);
    nats_server_launch(&nats, 0);
    start_ns = clock_now_ns();
    observe_over(&o);
    (void)wait_until(BACK_MS, all_have_read() && observe_all_agree(&o), seen);
    measure_again("reconnected at once, all have read both buckets and the hosts agree after", start_ns);
    kv_open(&kv, nats.server[0].url);
    (void)wait_until(NO_CONSUMER_MS, no_consumer(&kv), seen);
    measure_again("no consumer is left after", start_ns);
    printf("-- %d daemons, readings that were refused or cut off and made again: %u\n", FLEET, failures);
    observe_end(&o, "1,000 simulated daemons reconnect at once", AGREE_MS, HOLD_MS);
    kv_close(&kv);
    for (size_t i = 0; i < FLEET; i++)
        bus_stop(fleet[i].bus);
    for (size_t i = 0; i < FLEET; i++)
        bus_free(fleet[i].bus);
}
END_TEST

E2E_TESTS("fault of a fleet", 280, {"fleet_reconnects", fleet_reconnects})
