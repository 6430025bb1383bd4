/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the last life's catalog: from its file, through a real catalog and liveness, once NATS is heard. */
#include "daemon/registry/inbound/remembered.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/configured.h"
#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static const char *dir;
static struct event_base *base;
static struct config *config;
static struct metrics *metrics;
static struct catalog *catalog;
static struct catalog_file *file;
static struct liveness *liveness;
static struct follow *records;
static struct remembered remembered;
static int64_t now_ns;

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void host_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg;
    ck_assert_int_eq(catalog_set_host(catalog, host, lease, host_alive(status), now_ns), 0);
}

static void ignore_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)held, (void)until_ns, (void)why;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_message(void *arg, const struct kv_message *m, bool from_snapshot)
{
    (void)arg, (void)m, (void)from_snapshot;
}

static void ignore_key(void *arg, const char *key, size_t n, uint64_t seq)
{
    (void)arg, (void)key, (void)n, (void)seq;
}

static void ignore_end(void *arg, enum follow_end end)
{
    (void)arg, (void)end;
}

static void ignore_synced(void *arg, bool synced)
{
    (void)arg, (void)synced;
}

static uint32_t no_jitter(void *arg)
{
    (void)arg;
    return 0;
}

static void open_catalog(void)
{
    base = loop_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(catalog_file_new(base, dir, "", metrics, &file), 0);
}

static void close_catalog(void)
{
    catalog_file_free(file);
    catalog_free(catalog);
    metrics_free(metrics);
    loop_free(base);
}

/* A host web-2 with one instance. */
static void last_life(void)
{
    struct instance_key key = {"shop", "payment", "web-2", "a"};
    struct lease lease = {.epoch = 5, .min_epoch = 5, .ttl_ms = 10000};
    struct record record;
    record_init(&record);
    record.port = 80;
    record.epoch = record.counter = 5;
    ck_assert_int_eq(record_add_address(&record, "10.0.0.2"), 0);
    open_catalog();
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &lease, true, now_ns), 0);
    ck_assert_int_eq(catalog_put(catalog, &key, &record), 0);
    catalog_flush(catalog);
    catalog_file_write_now(file, catalog_table(catalog), now_ns);
    close_catalog();
}

static void begin(int64_t asked_ago_ns)
{
    static const struct follow_ops ops = {ignore,     ignore,        ignore_message, ignore_key, ignore,
                                          ignore_end, ignore_synced, no_jitter,      NULL};
    static const struct liveness_events events = {host_changed, ignore_guard};
    const struct liveness_options leases = {
        .max_hosts = 100, .guard_percent = 30, .guard_min = 3, .guard_ns = NS_PER_S};
    const struct follow_options options = {.touched_max = FOLLOW_TOUCHED_MAX, .quiet_ns = FOLLOW_QUIET_NS};
    char why[CONFIG_WHY_CAP];
    int64_t since_ns;
    dir = folder_enter();
    now_ns = clock_now_ns();
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    last_life();
    open_catalog();
    ck_assert(catalog_file_load(file, catalog, now_ns, &since_ns));
    ck_assert_int_eq(liveness_new(&leases, &events, NULL, &liveness), 0);
    ck_assert_int_eq(follow_new(&options, &ops, NULL, &records), 0);
    remembered = (struct remembered){.config = config,
                                     .catalog = catalog,
                                     .liveness = liveness,
                                     .records = records,
                                     .asked_ns = now_ns - asked_ago_ns};
}

static void end(void)
{
    follow_free(records);
    liveness_free(liveness);
    close_catalog();
    config_free(config);
    folder_remove();
}

static size_t usable(void)
{
    catalog_flush(catalog);
    return catalog_counts(catalog).usable;
}

static void hear_another(void)
{
    struct lease lease = {.epoch = 5, .min_epoch = 5, .counter = 1, .ttl_ms = 10000, .life = 3};
    ck_assert_int_eq(liveness_apply(liveness, "web-3", &lease, 0, now_ns), 0);
}

START_TEST(a_host_without_a_lease_is_gone_when_others_have_theirs)
{
    begin(0);
    ck_assert_uint_eq(usable(), 1);
    remembered_connected(&remembered, now_ns);
    hear_another();
    remembered_hosts_synced(&remembered);
    ck_assert_uint_eq(usable(), 0);
    end();
}
END_TEST

START_TEST(where_nobody_has_a_lease_all_are_spared)
{
    begin(0);
    remembered_connected(&remembered, now_ns);
    remembered_hosts_synced(&remembered);
    ck_assert_uint_eq(usable(), 1);
    end();
}
END_TEST

START_TEST(after_an_outage_each_has_a_time_to_be_heard_in)
{
    begin(60 * NS_PER_S);
    remembered_connected(&remembered, now_ns);
    hear_another();
    remembered_hosts_synced(&remembered);
    ck_assert_uint_eq(usable(), 1);
    ck_assert_uint_eq(liveness_stats(liveness).alive, 2);
    end();
}
END_TEST

START_TEST(a_file_that_is_damaged_is_set_aside)
{
    int64_t since_ns;
    begin(0);
    folder_write("catalog.snap", "not a catalog");
    ck_assert(!catalog_file_load(file, catalog, now_ns, &since_ns));
    ck_assert_int_eq(access("catalog.snap.bad", F_OK), 0);
    ck_assert_int_ne(access("catalog.snap", F_OK), 0);
    end();
}
END_TEST

UNIT_TESTS("remembered", a_host_without_a_lease_is_gone_when_others_have_theirs,
           where_nobody_has_a_lease_all_are_spared, after_an_outage_each_has_a_time_to_be_heard_in,
           a_file_that_is_damaged_is_set_aside)
