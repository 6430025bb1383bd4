/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus brings, through the real followers and liveness, to a real catalog and agent; and what is reported of it. */
#include "daemon/registry/inbound/inbound.h"

#include <stdio.h>

#include "daemon/base/loop.h"
#include "daemon/catalog/catalog_explain.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/status.h"
#include "libdiscover/core/digest.h"
#include "tests/unit/agent/life.h"
#include "tests/unit/base/folder.h"

static struct event_base *base;
static struct metrics *metrics;
static struct config *config;
static struct catalog *catalog;
static struct catalog_file *catalog_file;
static struct host_address *host_address;
static struct inbound *inbound;
static bool asked[BUS_BUCKETS];      /* to read the bucket again */
static unsigned checks[BUS_BUCKETS]; /* how often asked whether it has moved on */

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static int on_order(void *arg, enum bus_order order, enum bus_bucket b)
{
    (void)arg;
    asked[b] |= order == BUS_RESYNC;
    checks[b] += order == BUS_CHECK;
    return 0;
}

static void begin(void)
{
    char why[CONFIG_WHY_CAP];
    bucket_new();
    now_ns = clock_now_ns();
    begin_life(time(NULL) * INT64_C(1000), (struct agent_identity){0});
    base = loop_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(catalog_file_new(base, folder_enter(), "", metrics, &catalog_file), 0);
    ck_assert_int_eq(host_address_new(base, config, ignore, NULL, &host_address), 0);
    const struct inbound_reach reach = {.metrics = metrics,
                                        .config = config,
                                        .buckets = {"SERVICES", "HOSTS"},
                                        .catalog = catalog,
                                        .catalog_file = catalog_file,
                                        .host_address = host_address,
                                        .agent = a,
                                        .order = on_order};
    ck_assert_int_eq(inbound_new(&reach, &inbound), 0);
    inbound_bus_begins(inbound, now_ns);
}

static void end(void)
{
    inbound_free(inbound);
    host_address_free(host_address);
    catalog_file_free(catalog_file);
    catalog_free(catalog);
    config_free(config);
    metrics_free(metrics);
    loop_free(base);
    teardown();
    folder_remove();
}

static const struct bus_events *const bus = &inbound_bus_events;

static void deliver_info(enum bus_bucket b, uint64_t last_seq)
{
    const struct bus_info info = {
        .reason = "", .created = 7, .last_seq = last_seq, .max_messages = -1, .max_bytes = -1, .lacks = ""};
    bus->info(inbound, b, &info);
}

static struct kv_message message(const char *key, const uint8_t *bytes, size_t n, uint64_t seq)
{
    return (struct kv_message){.kind = KV_PUT, .key = key, .key_len = strlen(key), .value = bytes, .n = n, .seq = seq};
}

/* The only instance of the host web-2, of that epoch. */
static struct kv_message record_of(uint64_t epoch, uint64_t seq, uint8_t bytes[static RECORD_WIRE_MAX])
{
    size_t n;
    struct record record = bucket_record(80);
    record.epoch = record.counter = epoch;
    ck_assert_int_eq(record_encode(&record, bytes, &n), 0);
    return message("shop.payment.web-2.a", bytes, n, seq);
}

/* Entry 1 of SERVICES. */
static void deliver_record(void)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    struct kv_message m = record_of(5, 1, bytes);
    bus->snapshot_entry(inbound, BUS_SERVICES, &m);
}

static void deliver_lease(const char *host, struct lease lease, uint64_t seq, bool is_live)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    lease.epoch = lease.min_epoch = lease.epoch ? lease.epoch : 5;
    lease.ttl_ms = 60000;
    ck_assert_int_eq(lease_encode(&lease, bytes, &n), 0);
    struct kv_message m = message(host, bytes, n, seq);
    if (is_live)
        bus->live(inbound, BUS_HOSTS, &m);
    else
        bus->snapshot_entry(inbound, BUS_HOSTS, &m);
}

/* Both buckets are read: there is a host web-2, with one instance. */
static void connect_and_read(void)
{
    bus->connected(inbound, "nats://127.0.0.1:4222");
    for (int i = 0; i < 10 && !(asked[BUS_SERVICES] && asked[BUS_HOSTS]); i++)
        inbound_tick(inbound, clock_now_ns() + i * NS_PER_S);
    ck_assert(asked[BUS_SERVICES] && asked[BUS_HOSTS]);
    for (int b = 0; b < BUS_BUCKETS; b++)
        deliver_info((enum bus_bucket)b, 1);
    deliver_record();
    deliver_lease("web-2", (struct lease){.counter = 1, .node = 2, .life = 2}, 1, false);
    for (int b = 0; b < BUS_BUCKETS; b++) {
        deliver_info((enum bus_bucket)b, 1);
        bus->snapshot_end(inbound, (enum bus_bucket)b, 0, "");
    }
    inbound_tick(inbound, clock_now_ns());
}

static size_t usable(void)
{
    catalog_flush(catalog);
    return catalog_counts(catalog).usable;
}

static uint64_t known_epoch(void)
{
    const struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-2", .instance = "a"};
    struct catalog_explained e;
    return catalog_explain(catalog, instance_id(&key), &e) == 0 ? e.facts.epoch : 0;
}

static Discover__V1__Status status_now(void)
{
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    inbound_status(inbound, clock_now_ns(), &s);
    return s;
}

START_TEST(what_both_buckets_have_is_served)
{
    begin();
    ck_assert_int_eq(inbound_sync(inbound), TABLE_UNSYNCED);
    connect_and_read();
    ck_assert_uint_eq(usable(), 1);
    ck_assert_int_eq(inbound_sync(inbound), TABLE_LIVE);
    ck_assert_str_eq(status_now().bus_server, "nats://127.0.0.1:4222");
    end();
}
END_TEST

START_TEST(its_silence_is_trusted_once_our_own_lease_has_come_back)
{
    begin();
    connect_and_read();
    ck_assert_str_ne(status_now().distrust, "");
    const struct lease own = {.counter = 1, .node = 1, .life = 1};
    inbound_lease_sent(inbound, &own, clock_now_ns());
    deliver_lease("web-1", own, 2, true);
    ck_assert_str_eq(status_now().distrust, "");
    bus->disconnected(inbound, "the cable");
    ck_assert_str_ne(status_now().distrust, "");
    ck_assert_int_eq(inbound_sync(inbound), TABLE_STALE);
    ck_assert_str_eq(status_now().bus_error, "the cable");
    ck_assert_uint_eq(usable(), 1); /* nobody is dead because of it */
    end();
}
END_TEST

/* Its writer puts it each second; what he puts may be on its way. */
START_TEST(a_record_with_a_ttl_stays_until_the_feed_is_known_to_be_silent)
{
    static const char value[] = "{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":2}";
    begin();
    connect_and_read();
    const struct lease own = {.counter = 1, .node = 1, .life = 1};
    inbound_lease_sent(inbound, &own, clock_now_ns());
    deliver_lease("web-1", own, 2, true);
    struct kv_message m = message("shop.legacy.web-9.l1", (const uint8_t *)value, strlen(value), 2);
    bus->live(inbound, BUS_SERVICES, &m);
    ck_assert_uint_eq(usable(), 2);
    int64_t over_ns = clock_now_ns() + 2 * NS_PER_S;
    ck_assert_int_gt(inbound_tick(inbound, over_ns), over_ns);
    ck_assert_uint_eq(usable(), 2);
    end();
}
END_TEST

/* A server that was asked to drops it without a word, long before what it says of itself. */
START_TEST(a_record_lives_no_longer_than_the_server_keeps_it)
{
    static const char value[] = "{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":600}";
    begin();
    connect_and_read();
    struct kv_message m = message("shop.legacy.web-9.l1", (const uint8_t *)value, strlen(value), 2);
    struct kv_message passing = message("shop.legacy.web-9.l2", (const uint8_t *)value, strlen(value), 3);
    passing.ttl_ns = 2 * NS_PER_S;
    bus->live(inbound, BUS_SERVICES, &m);
    bus->live(inbound, BUS_SERVICES, &passing);
    ck_assert_uint_eq(usable(), 3);
    int64_t over_ns = clock_now_ns() + 2 * NS_PER_S;
    (void)catalog_expire(catalog, over_ns, over_ns);
    ck_assert_uint_eq(usable(), 2);
    end();
}
END_TEST

/* Ten changes a second, over ten seconds, are what it may have. */
START_TEST(a_host_that_floods_is_read_later_while_others_wait)
{
    char why[CONFIG_WHY_CAP];
    uint8_t bytes[RECORD_WIRE_MAX];
    begin();
    ck_assert_int_eq(config_set(config, "limits.host_changes", "1", why), 0);
    connect_and_read();
    for (uint64_t seq = 2; seq < 30; seq++) { /* nobody waits: all are read */
        struct kv_message m = record_of(seq, seq, bytes);
        bus->live(inbound, BUS_SERVICES, &m);
    }
    ck_assert_uint_eq(known_epoch(), 29);
    struct kv_message m = record_of(30, 30, bytes);
    m.backlog = true;
    asked[BUS_SERVICES] = false;
    bus->live(inbound, BUS_SERVICES, &m);
    ck_assert_uint_eq(known_epoch(), 29);
    ck_assert_uint_eq(usable(), 1);
    ck_assert_uint_eq(status_now().n_refused, 0);
    int64_t at_ns = clock_now_ns();
    inbound_second(inbound, at_ns);
    inbound_tick(inbound, at_ns + 30 * NS_PER_S);
    ck_assert(!asked[BUS_SERVICES]); /* it floods */
    for (int s = 0; s < 12; s++)
        inbound_second(inbound, at_ns += NS_PER_S);
    inbound_tick(inbound, at_ns + 30 * NS_PER_S);
    ck_assert(asked[BUS_SERVICES]);
    end();
}
END_TEST

START_TEST(a_value_that_is_no_record_is_refused_and_said_and_changes_nothing)
{
    begin();
    connect_and_read();
    struct kv_message m = message("shop.payment.web-2.a", (const uint8_t *)"\xff\xff", 2, 2);
    bus->live(inbound, BUS_SERVICES, &m);
    Discover__V1__Status s = status_now();
    ck_assert_uint_eq(s.n_refused, 1);
    ck_assert_str_eq(s.refused[0]->key, "shop.payment.web-2.a");
    ck_assert_uint_eq(usable(), 1);
    end();
}
END_TEST

START_TEST(a_host_that_says_good_bye_is_gone)
{
    begin();
    connect_and_read();
    deliver_lease("web-2", (struct lease){.counter = 2, .node = 2, .life = 2, .leaving = true}, 2, true);
    inbound_tick(inbound, clock_now_ns());
    ck_assert_uint_eq(usable(), 0);
    end();
}
END_TEST

/* Its lease of epoch 6, which vouches for that many records. */
static void deliver_restart(uint32_t records, uint64_t counter)
{
    const struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-2", .instance = "a"};
    const struct lease lease = {.epoch = 6,
                                .counter = counter,
                                .node = 2,
                                .life = 3,
                                .records = records,
                                .digest = records ? record_digest(&key, 6, 6) : 0};
    deliver_lease("web-2", lease, counter, true);
    inbound_tick(inbound, clock_now_ns());
}

/* The feed of the records lost one and does not know yet: the lease alone must not take away what is served. */
START_TEST(a_host_that_restarts_is_served_until_its_new_record_is_here)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    begin();
    connect_and_read();
    ck_assert_uint_eq(usable(), 1);
    deliver_restart(1, 2);
    ck_assert_uint_eq(usable(), 1);
    struct kv_message m = record_of(6, 2, bytes);
    bus->live(inbound, BUS_SERVICES, &m);
    deliver_restart(1, 3);
    ck_assert_uint_eq(usable(), 1);
    end();
}
END_TEST

START_TEST(what_a_host_that_restarts_vouches_for_no_longer_is_gone_at_once)
{
    begin();
    connect_and_read();
    deliver_restart(0, 2);
    ck_assert_uint_eq(usable(), 0);
    end();
}
END_TEST

/* What is in the bucket is the truth once all of it is read: the host's old record, and nothing of what it vouches for. */
START_TEST(a_whole_snapshot_ends_the_wait_for_a_record)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    begin();
    connect_and_read();
    deliver_restart(1, 2);
    asked[BUS_SERVICES] = false;
    deliver_restart(1, 3); /* for the second time: it is missing */
    for (int i = 0; i < 10 && !asked[BUS_SERVICES]; i++)
        inbound_tick(inbound, clock_now_ns() + i * NS_PER_S);
    ck_assert(asked[BUS_SERVICES]);
    deliver_info(BUS_SERVICES, 2);
    struct kv_message m = record_of(5, 2, bytes);
    bus->snapshot_entry(inbound, BUS_SERVICES, &m);
    deliver_info(BUS_SERVICES, 2);
    ck_assert_uint_eq(usable(), 1);
    bus->snapshot_end(inbound, BUS_SERVICES, 0, "");
    inbound_tick(inbound, clock_now_ns());
    ck_assert_uint_eq(usable(), 0);
    end();
}
END_TEST

/* A new version of entry 1, which the server stored when its clock said so; 0: it does not say. */
static void deliver_change(uint64_t seq, int64_t stored_ns)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    struct record record = bucket_record((uint16_t)(80 + seq));
    record.epoch = 5;
    record.counter = 5 + seq;
    ck_assert_int_eq(record_encode(&record, bytes, &n), 0);
    struct kv_message m = message("shop.payment.web-2.a", bytes, n, seq);
    m.stored_ns = stored_ns;
    bus->live(inbound, BUS_SERVICES, &m);
    catalog_flush(catalog);
    inbound_visible(inbound, clock_now_ns());
}

static uint32_t reached_us(void)
{
    static struct catalog_explained e;
    uint64_t id;
    size_t total;
    ck_assert_uint_eq(catalog_ids_of_host(catalog, "web-2", 1, &id, &total), 1);
    ck_assert_int_eq(catalog_explain(catalog, id, &e), 0);
    return e.reached_us;
}

static void add_visible(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)value;
    for (size_t b = 0; b <= HISTOGRAM_BOUNDS && strcmp(metric->name, "discoverd_change_visible_seconds") == 0; b++)
        *(uint64_t *)arg += metric_get(&h->counts[b]);
}

static uint64_t measured(void)
{
    uint64_t n = 0;
    metrics_each(metrics, add_visible, &n);
    return n;
}

/* The server's clock is a year ahead of ours: a change that it stored 30 ms ago is one of 30 ms ago. */
START_TEST(a_change_takes_its_time_by_the_clock_of_the_server)
{
    const int64_t ahead_ns = 365 * 86400 * NS_PER_S;
    begin();
    connect_and_read();
    deliver_change(2, clock_now_ns() + ahead_ns);
    ck_assert(measured() == 0 && reached_us() == 0); /* what its clock says is not known yet */
    const struct lease own = {.counter = 1, .node = 1, .life = 1, .epoch = 5, .min_epoch = 5, .ttl_ms = 60000};
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    ck_assert_int_eq(lease_encode(&own, bytes, &n), 0);
    struct kv_message m = message("web-1", bytes, n, 2);
    inbound_lease_sent(inbound, &own, clock_now_ns());
    m.stored_ns = clock_now_ns() + ahead_ns;
    bus->live(inbound, BUS_HOSTS, &m);
    deliver_change(3, clock_now_ns() + ahead_ns - 30 * NS_PER_MS);
    ck_assert_uint_eq(measured(), 1);
    ck_assert_msg(reached_us() >= 25000 && reached_us() < 2000000, "%u us", reached_us());
    deliver_change(4, 0); /* of another server, that is older */
    ck_assert(measured() == 1 && reached_us() == 0);
    end();
}
END_TEST

static void refuse_puts(unsigned n)
{
    const struct bus_put_result unserved = {
        .bucket = BUS_HOSTS, .token = 1, .err = -ENODEV, .reason = "nobody is there"};
    while (n-- > 0)
        bus->put_done(inbound, &unserved);
}

static void answer_check(int err, int64_t created)
{
    const struct bus_info info = {.check = true,
                                  .err = err,
                                  .reason = "",
                                  .created = created,
                                  .last_seq = 1,
                                  .max_messages = -1,
                                  .max_bytes = -1,
                                  .lacks = ""};
    bus->info(inbound, BUS_HOSTS, &info);
}

/* Without an answer it has no leader: nothing is lost then. With one, it may be another bucket. */
START_TEST(a_bucket_that_nobody_serves_is_looked_for_at_once)
{
    begin();
    connect_and_read();
    asked[BUS_HOSTS] = false;
    refuse_puts(50);
    ck_assert_uint_eq(checks[BUS_HOSTS], 1);
    answer_check(-ETIMEDOUT, 0);
    inbound_tick(inbound, clock_now_ns());
    ck_assert_uint_eq(checks[BUS_HOSTS], 1);
    ck_assert(!asked[BUS_HOSTS]);
    answer_check(0, 8);
    ck_assert_uint_eq(checks[BUS_HOSTS], 2);
    answer_check(0, 8); /* to the follower */
    inbound_tick(inbound, clock_now_ns() + NS_PER_S);
    ck_assert(asked[BUS_HOSTS]);
    end();
}
END_TEST

/* --- status: what is reported of the whole --- */

static int dns_error;
static size_t begins;

static bool is_connected(void *arg)
{
    (void)arg;
    return true;
}

static int on_dns_error(void *arg)
{
    (void)arg;
    return dns_error;
}

static void on_answers_begin(void *arg)
{
    (void)arg;
    begins++;
}

START_TEST(the_table_says_how_far_it_can_be_trusted)
{
    struct status *status;
    begin();
    begins = 0;
    const struct status_reach reach = {.config = config,
                                       .catalog = catalog,
                                       .agent = a,
                                       .inbound = inbound,
                                       .host_address = host_address,
                                       .bus_connected = is_connected,
                                       .dns_table_error = on_dns_error,
                                       .answers_begin = on_answers_begin};
    int64_t true_ns;
    ck_assert_int_eq(status_new(&reach, &status), 0);
    const struct table *table = table_writer_table(catalog_table(catalog));
    status_update_sync(status, clock_now_ns());
    ck_assert(!status_catalog_is_worth_storing(status, clock_now_ns(), &true_ns));
    connect_and_read();
    status_update_sync(status, clock_now_ns());
    ck_assert_int_eq(table_sync(table), TABLE_UNSYNCED); /* not before the table has it all */
    catalog_flush(catalog);
    status_update_sync(status, clock_now_ns());
    ck_assert_int_eq(table_sync(table), TABLE_LIVE);
    ck_assert_uint_eq(begins, 1);
    ck_assert(status_catalog_is_worth_storing(status, clock_now_ns(), &true_ns));
    dns_error = -ENOMEM; /* the DNS workers could not be given it */
    status_update_sync(status, clock_now_ns());
    ck_assert_int_eq(table_sync(table), TABLE_DEGRADED);
    dns_error = 0;
    bus->disconnected(inbound, "the cable");
    int64_t lost_ns = clock_now_ns();
    status_update_sync(status, lost_ns);
    ck_assert_int_eq(table_sync(table), TABLE_STALE);
    ck_assert(status_catalog_is_worth_storing(status, lost_ns + S(60), &true_ns));
    ck_assert_int_eq(true_ns, lost_ns);
    status_free(status);
    end();
}
END_TEST

UNIT_TESTS("inbound", what_both_buckets_have_is_served, its_silence_is_trusted_once_our_own_lease_has_come_back,
           a_record_with_a_ttl_stays_until_the_feed_is_known_to_be_silent,
           a_record_lives_no_longer_than_the_server_keeps_it,
           a_value_that_is_no_record_is_refused_and_said_and_changes_nothing,
           a_host_that_floods_is_read_later_while_others_wait, a_host_that_says_good_bye_is_gone,
           a_host_that_restarts_is_served_until_its_new_record_is_here,
           what_a_host_that_restarts_vouches_for_no_longer_is_gone_at_once, a_whole_snapshot_ends_the_wait_for_a_record,
           a_change_takes_its_time_by_the_clock_of_the_server, the_table_says_how_far_it_can_be_trusted,
           a_bucket_that_nobody_serves_is_looked_for_at_once)
