/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says reaches the catalog at once, the bus, and the disk; the next life finds what the last one stored. */
#include "daemon/registry/outbound.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/agent/registrar.h"
#include "daemon/base/loop.h"
#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static struct event_base *base;
static struct metrics *metrics;
static struct config *config;
static struct state_dir *state_dir;
static struct catalog *catalog;
static struct catalog_file *catalog_file;
static struct host_address *host_address;
static struct outbound *outbound;
static struct bus *const bus = (struct bus *)&base; /* only handed on */
static const char *instances_max = "10";            /* limits.instances_per_host */
static size_t gone, leases_sent, lease_puts, record_puts;

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void on_gone(void *arg, const struct instance_key *key)
{
    (void)arg, (void)key;
    gone++;
}

static void on_lease_sent(void *arg, const struct lease *lease)
{
    (void)arg;
    ck_assert_uint_gt(lease->counter, 0);
    leases_sent++;
}

/* The canary is on its way before it can come back. */
int __wrap_bus_put(struct bus *to, enum bus_bucket bucket, const char *key, const void *bytes, size_t n, uint64_t token,
                   const struct trace_context *trace);
int __wrap_bus_put(struct bus *to, enum bus_bucket bucket, const char *key, const void *bytes, size_t n, uint64_t token,
                   const struct trace_context *trace)
{
    ck_assert_ptr_eq(to, bus);
    (void)key, (void)bytes, (void)n, (void)token, (void)trace;
    if (bucket == BUS_HOSTS)
        ck_assert_uint_eq(++lease_puts, leases_sent);
    else
        record_puts++;
    return 0;
}

int __wrap_bus_delete(struct bus *to, enum bus_bucket bucket, const char *key, uint64_t token);
int __wrap_bus_delete(struct bus *to, enum bus_bucket bucket, const char *key, uint64_t token)
{
    ck_assert_ptr_eq(to, bus);
    (void)bucket, (void)key, (void)token;
    return 0;
}

static void begin_life(const char *dir)
{
    char why[CONFIG_WHY_CAP];
    base = loop_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(config_set(config, "state_dir", dir, why), 0);
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    ck_assert_int_eq(config_set(config, "limits.instances_per_host", instances_max, why), 0);
    ck_assert_int_eq(state_dir_open(dir, &state_dir), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(catalog_file_new(base, dir, "", metrics, &catalog_file), 0);
    ck_assert_int_eq(host_address_new(base, config, ignore, NULL, &host_address), 0);
    const struct outbound_reach reach = {.base = base,
                                         .metrics = metrics,
                                         .config = config,
                                         .state_dir = state_dir,
                                         .catalog = catalog,
                                         .catalog_file = catalog_file,
                                         .host_address = host_address,
                                         .turn = ignore,
                                         .registration_gone = on_gone,
                                         .lease_sent = on_lease_sent};
    ck_assert_int_eq(outbound_new(&reach, &outbound), 0);
    catalog_flush(catalog); /* as is done before anybody is let in */
    outbound_set_bus(outbound, bus);
}

static void end_life(void)
{
    outbound_free(outbound);
    host_address_free(host_address);
    catalog_file_free(catalog_file);
    catalog_free(catalog);
    state_dir_close(state_dir);
    config_free(config);
    metrics_free(metrics);
    loop_free(base);
}

static struct agent *agent(void)
{
    return outbound_agent(outbound);
}

static struct registrar *registrar(void)
{
    return agent_registrar(agent());
}

static int add_instance(const char *instance, int64_t ttl_ns)
{
    struct registration_request r = {
        .client = 1, .uid = 1000, .key = {.domain = "shop", .service = "payment"}, .ttl_ns = ttl_ns};
    const char *why = "";
    strcpy(r.key.instance, instance);
    record_init(&r.record);
    r.record.port = 80;
    r.record.addresses.families = DISCOVER_HAS_IPV4;
    memcpy(r.record.addresses.ipv4, (uint8_t[]){10, 0, 0, 1}, 4);
    return registrar_register(registrar(), &r, clock_now_ns(), &why);
}

static int add(int64_t ttl_ns)
{
    return add_instance("a", ttl_ns);
}

START_TEST(it_is_served_here_at_once_and_put_once_there_is_a_bus)
{
    struct instance_key key = {"shop", "payment", "web-1", "a"};
    begin_life(folder_enter());
    ck_assert_int_eq(add(0), 0);
    ck_assert_uint_eq(catalog_counts(catalog).usable, 1);
    ck_assert_uint_eq(record_puts + lease_puts, 0);
    int64_t now_ns = clock_now_ns();
    agent_connected(agent(), now_ns);
    agent_hosts_synced(agent(), now_ns);
    agent_snapshot_begin(agent());
    agent_synced(agent(), now_ns);
    for (int s = 0; s < 30; s++)
        agent_tick(agent(), now_ns += NS_PER_S);
    ck_assert_uint_ge(record_puts, 1);
    ck_assert_uint_ge(lease_puts, 1);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 1000, clock_now_ns()), 0);
    ck_assert_uint_eq(catalog_counts(catalog).usable, 0);
    ck_assert_uint_eq(gone, 1);
    end_life();
    folder_remove();
}
END_TEST

START_TEST(the_next_life_serves_what_the_last_one_stored)
{
    const char *dir = folder_enter();
    begin_life(dir);
    ck_assert_int_eq(add(NS_PER_S * 60), 0);
    uint64_t epoch = agent_status(agent()).epoch;
    end_life();
    begin_life(dir);
    ck_assert_uint_eq(agent_status(agent()).registrations, 1);
    ck_assert_uint_eq(catalog_counts(catalog).usable, 1);
    ck_assert_uint_gt(agent_status(agent()).epoch, epoch);
    end_life();
    folder_remove();
}
END_TEST

/* What was acknowledged is not lost in silence: neither for now nor, since it stays stored, for good. */
START_TEST(what_does_not_come_back_is_reported)
{
    char text[4096] = "";
    const char *dir = folder_enter();
    begin_life(dir);
    ck_assert_int_eq(add_instance("a", NS_PER_S * 60), 0);
    ck_assert_int_eq(add_instance("b", NS_PER_S * 60), 0);
    end_life();
    int log = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
    instances_max = "1";
    begin_life(dir);
    ck_assert_uint_eq(agent_status(agent()).registrations, 1);
    ck_assert_int_gt(pread(log, text, sizeof text - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(text, "a registration that was stored is not in force"));
    ck_assert_ptr_nonnull(strstr(text, "limits.instances_per_host"));
    end_life();
    instances_max = "10";
    begin_life(dir);
    ck_assert_uint_eq(agent_status(agent()).registrations, 2);
    end_life();
    close(log);
    folder_remove();
}
END_TEST

START_TEST(what_cannot_be_stored_is_refused_and_says_why)
{
    begin_life(folder_enter());
    ck_assert_str_eq(outbound_store_error(outbound), "");
    folder_remove();
    ck_assert_int_eq(add(NS_PER_S * 60), -EIO);
    ck_assert_ptr_nonnull(strstr(outbound_store_error(outbound), "state_dir /"));
    ck_assert_uint_eq(catalog_counts(catalog).instances, 0);
    ck_assert_int_eq(add(0), 0); /* needs no disk */
    end_life();
}
END_TEST

UNIT_TESTS("outbound", it_is_served_here_at_once_and_put_once_there_is_a_bus,
           the_next_life_serves_what_the_last_one_stored, what_does_not_come_back_is_reported,
           what_cannot_be_stored_is_refused_and_says_why)
