/* SPDX-License-Identifier: Apache-2.0 */
/* The parts put together as daemon.c and parts.c do; a bus that is the world's, and its clock. */
#include "tests/unit/registry/regions_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/agent/agent.h"
#include "daemon/agent/state_dir.h"
#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/regions/region_failover.h"
#include "daemon/registry/regions/regions.h"
#include "tests/support/options.h"
#include "tests/unit/base/folder.h"

#define SERVICE "shop/all"

/* ---- what is played ---- */

struct bus {
    int region;
    struct bus_events events;
    void *arg;
    bool has_mirror;
};

static struct bus buses[REGIONS];
static bool simulated;
static int event_fd = -1;

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (!simulated)
        return __real_clock_gettime(clock, ret_time);
    int64_t ns = world.now_ns + (clock == CLOCK_REALTIME ? INT64_C(1700000000) * NS_PER_S : 0);
    *ret_time = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)world_random();
    return (ssize_t)n;
}

/* Nobody loses power here, and thousands of lives would wait for the disk. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}

static int number_of(const char *region)
{
    for (int r = 0; r < REGIONS; r++)
        if (strcmp(world_region_name(r), region) == 0)
            return r;
    ck_abort_msg("no region %s", region);
}

int __wrap_bus_new(const struct bus_options *o, const struct bus_events *events, void *arg, struct bus **ret_bus,
                   char *why);
int __wrap_bus_new(const struct bus_options *o, const struct bus_events *events, void *arg, struct bus **ret_bus,
                   char *why)
{
    (void)why;
    int region = number_of(o->region);
    buses[region] = (struct bus){region, *events, arg, o->mirrors[BUS_SERVICES][0] != 0};
    *ret_bus = &buses[region];
    return 0;
}

int __wrap_bus_add_metrics(struct bus *b, struct metrics *m);
int __wrap_bus_add_metrics(struct bus *b, struct metrics *m)
{
    (void)b, (void)m;
    return 0;
}

int __wrap_bus_fd(const struct bus *b);
int __wrap_bus_fd(const struct bus *b)
{
    (void)b;
    return event_fd;
}

int __wrap_bus_start(struct bus *b, struct watchdog *watchdog);
int __wrap_bus_start(struct bus *b, struct watchdog *watchdog)
{
    (void)watchdog;
    world_attach(b->region);
    return 0;
}

void __wrap_bus_stop(struct bus *b);
void __wrap_bus_stop(struct bus *b)
{
    world_detach(b->region);
}

void __wrap_bus_free(struct bus *b);
void __wrap_bus_free(struct bus *b)
{
    (void)b;
}

static int carry_out(int region, enum bus_order order, enum bus_bucket bucket)
{
    return order == BUS_RESYNC  ? world_resync(region, bucket)
           : order == BUS_CHECK ? world_check(region, bucket)
                                : world_remember(region, bucket);
}

int __wrap_bus_order(struct bus *b, enum bus_order order, enum bus_bucket bucket);
int __wrap_bus_order(struct bus *b, enum bus_order order, enum bus_bucket bucket)
{
    return order >= BUS_REMEMBER && !b->has_mirror ? -ENOENT : carry_out(b->region, order, bucket);
}

/* ---- the daemon ---- */

static struct config *config;
static const char *folder;
static struct event_base *base;
static struct host_address *host_address;
static struct state_dir *state_dir;
static struct metrics *metrics;
static struct catalog *catalog;
static struct catalog_file *file;
static struct agent *agent;
static struct inbound *inbound;
static struct regions *regions;
static struct region_failover *failover;
static struct agent_identity identity;

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void refuse_config(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

void reader_open(void)
{
    char text[512];
    folder = folder_enter();
    snprintf(text, sizeof text,
             "host = \"reader\"; address = [\"10.0.0.9\"]; region = \"a\"; state_dir = \"%s\"; registry = { lease_ttl "
             "= \"10s\"; };\n"
             "limits = { table_bytes = 1048576; };\n"
             "regions = ( { name = \"b\"; js_domain = \"b\"; mirror = \"M_%%s_b\"; }, { name = \"c\"; js_domain = "
             "\"c\"; } );\n"
             "failover = { min = %d; back_after = \"%ds\"; };\n",
             folder, MIN_HOME, (int)(BACK / NS_PER_S));
    folder_write("discoverd.conf", text);
    ck_assert_int_eq(config_load("discoverd.conf", refuse_config, NULL, &config), 0);
    log_set_level(getenv("MODEL_SEED") ? 7 : 0);
    event_fd = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_ge(event_fd, 0);
    base = loop_new();
    ck_assert_int_eq(host_address_new(base, config, ignore, NULL, &host_address), 0);
    ck_assert_int_eq(state_dir_open(folder, &state_dir), 0);
}

void reader_close(void)
{
    simulated = false;
    state_dir_close(state_dir);
    host_address_free(host_address);
    loop_free(base);
    config_free(config);
    close(event_fd);
    folder_remove();
}

static int publish_lease(void *arg, const struct lease *lease, uint64_t token)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    (void)arg;
    inbound_lease_sent(inbound, lease, world.now_ns);
    ck_assert_int_eq(lease_encode(lease, bytes, &n), 0);
    world_put_lease(bytes, n, token);
    return 0;
}

/* Of the agent's memory only who it is matters here. */
static int store(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    (void)arg;
    return strcmp(name, STORED_IDENTITY) == 0 ? stored_identity_decode(bytes, n, &identity) : 0;
}

static int forget(void *arg, const char *name)
{
    (void)arg, (void)name;
    return 0;
}

static uint64_t random64(void *arg)
{
    (void)arg;
    return (uint64_t)world_random() << 32 | world_random();
}

static void name_conflict(void *arg, const struct lease *lease, bool stand_down)
{
    (void)arg, (void)lease, (void)stand_down;
    ck_abort_msg("nobody else has the name");
}

/* Nothing is registered on it. */
static void start_agent(void)
{
    struct agent_options options = {.host = "reader",
                                    .region = "a",
                                    .version = "1",
                                    .wall_ms = INT64_C(1700000000000) + world.now_ns / NS_PER_MS,
                                    .identity = identity,
                                    .lease_ttl_ns = TTL,
                                    .addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 9}}};
    const struct agent_ops ops = {.publish_lease = publish_lease,
                                  .store = store,
                                  .forget = forget,
                                  .random = random64,
                                  .name_conflict = name_conflict};
    options = agent_complete(options);
    ck_assert_int_eq(agent_new(&options, &ops, world.now_ns, &agent), 0);
}

static int on_order(void *arg, enum bus_order order, enum bus_bucket bucket)
{
    (void)arg;
    return carry_out(0, order, bucket);
}

static void own_changed(void *arg, const char *service)
{
    (void)arg;
    region_failover_note(failover, service);
}

static void later(void *arg)
{
    (void)arg;
    world_turn_at(world.now_ns);
}

static void reported(void *arg, const char *service)
{
    (void)arg, (void)service;
}

static void start_own(void)
{
    int64_t since_ns;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(catalog_file_new(base, folder, "", metrics, &file), 0);
    start_agent();
    const struct inbound_reach reach = {.metrics = metrics,
                                        .config = config,
                                        .buckets = {"SERVICES", "HOSTS"},
                                        .catalog = catalog,
                                        .catalog_file = file,
                                        .host_address = host_address,
                                        .agent = agent,
                                        .order = on_order};
    ck_assert_int_eq(inbound_new(&reach, &inbound), 0);
    inbound_bus_begins(inbound, world.now_ns);
    (void)catalog_file_load(file, catalog, world.now_ns, &since_ns);
    buses[0] = (struct bus){0, inbound_bus_events, inbound, false};
}

static void start_others(void)
{
    const struct regions_reach reach = {
        .base = base, .config = config, .table = catalog_table(catalog), .turn = later, .service_changed = own_changed};
    ck_assert_int_eq(regions_new(&reach, &regions), 0);
    const struct region_failover_reach of_failover = {.metrics = metrics,
                                                      .config = config,
                                                      .catalog = catalog,
                                                      .inbound = inbound,
                                                      .regions = regions,
                                                      .state_dir = state_dir,
                                                      .service_changed = reported};
    ck_assert_int_eq(region_failover_new(&of_failover, &failover), 0);
    catalog_watch_services(catalog, own_changed, NULL);
}

void reader_start(void)
{
    simulated = true;
    start_own();
    start_others();
    world_attach(0);
    world_turn_at(world.now_ns);
}

void reader_stop(bool leave_files)
{
    catalog_watch_services(catalog, NULL, NULL);
    region_failover_free(failover);
    failover = NULL;
    regions_free(regions);
    world_detach(0);
    if (inbound_synced_once(inbound) && !catalog_is_dirty(catalog))
        catalog_file_write_now(file, catalog_table(catalog), world.now_ns);
    inbound_free(inbound);
    agent_free(agent);
    catalog_file_free(file);
    catalog_free(catalog);
    metrics_free(metrics);
    world_turn_at(INT64_MAX);
    for (int r = 0; r < REGIONS && !leave_files; r++) {
        char path[64];
        snprintf(path, sizeof path, "catalog%s%s.snap", r ? "@" : "", r ? world_region_name(r) : "");
        (void)unlink(path);
    }
}

/* ---- time ---- */

static void flush(int64_t *next_ns)
{
    struct loop_slice slice = loop_slice_begin();
    while (catalog_has_work(catalog))
        (void)catalog_flush_some(catalog, 4);
    bool more = regions_flush(regions, &slice, world.now_ns);
    must(!more, "not all was written");
    int64_t failover_ns = region_failover_run(failover, &slice, world.now_ns);
    *next_ns = failover_ns < *next_ns ? failover_ns : *next_ns;
}

void reader_turn(void)
{
    (void)agent_tick(agent, world.now_ns);
    int64_t next_ns = inbound_tick(inbound, world.now_ns), regions_ns = regions_tick(regions, world.now_ns);
    next_ns = regions_ns < next_ns ? regions_ns : next_ns;
    int64_t agent_ns = agent_deadline(agent);
    next_ns = agent_ns < next_ns ? agent_ns : next_ns;
    flush(&next_ns);
    world_turn_at(next_ns);
}

void reader_second(void)
{
    table_writer_alive(catalog_table(catalog), world.now_ns);
    catalog_forget_gone(catalog, world.now_ns - config->registry.record_ttl_ns);
    inbound_second(inbound, world.now_ns);
    regions_second(regions, world.now_ns);
    reader_turn();
}

void reader_stalled(int64_t ns)
{
    inbound_stalled(inbound, ns);
    regions_stalled(regions, ns);
    catalog_postpone(catalog, ns);
}

/* ---- from the bus ---- */

static struct kv_message message_of(const struct mail *mail, char key[static 64])
{
    const char *host = mail->key == READER ? "reader" : "h?";
    int n = snprintf(key, 64, "%s%s%s", mail->bucket == BUS_SERVICES ? "shop.all." : "", host,
                     mail->bucket == BUS_SERVICES ? ".i" : "");
    char *mark = strchr(key, '?');
    if (mark)
        *mark = (char)('0' + mail->key);
    return (struct kv_message){.kind = mail->value.deleted ? KV_DELETE : KV_PUT,
                               .key = key,
                               .key_len = (size_t)n,
                               .value = mail->value.bytes,
                               .n = mail->value.n,
                               .seq = mail->value.seq,
                               .age_ns = mail->age_ns};
}

static struct bus_info info_of(const struct mail *mail)
{
    bool missing = !mail->err && mail->created == 0;
    return (struct bus_info){.check = mail->check,
                             .err = missing ? -ENOENT : mail->err,
                             .reason = "",
                             .created = mail->created,
                             .last_seq = mail->last_seq,
                             .max_messages = -1,
                             .max_bytes = -1,
                             .lacks = ""};
}

void reader_mail(int region, const struct mail *mail)
{
    const struct bus *b = &buses[region];
    char key[64];
    struct kv_message m = message_of(mail, key);
    const struct bus_info info = info_of(mail);
    switch (mail->kind) {
    case MAIL_CONNECTED:
        b->events.connected(b->arg, "nats://127.0.0.1:4222");
        break;
    case MAIL_DISCONNECTED:
        b->events.disconnected(b->arg, "gone");
        break;
    case MAIL_LIVE:
        b->events.live(b->arg, mail->bucket, &m);
        break;
    case MAIL_INFO:
        b->events.info(b->arg, mail->bucket, &info);
        break;
    case MAIL_ENTRY:
        b->events.snapshot_entry(b->arg, mail->bucket, &m);
        break;
    case MAIL_END:
        b->events.snapshot_end(b->arg, mail->bucket, mail->err, "");
        break;
    case MAIL_REMEMBERED:
        b->events.remembered(b->arg, mail->bucket, &m);
        break;
    case MAIL_REMEMBERED_END:
        b->events.remembered_end(b->arg, mail->bucket, mail->err, mail->created + INT64_C(1700000000) * NS_PER_S);
        break;
    case MAIL_LEASE_PUT:
        agent_published(agent, mail->token, mail->err, mail->value.seq, NS_PER_MS, world.now_ns);
        break;
    }
    reader_turn();
}

/* ---- what it says ---- */

static unsigned hosts_under(const char *key)
{
    struct discover_endpoint e[REGIONS * HOSTS];
    size_t n = 0;
    unsigned hosts = 0;
    int err = table_endpoints(table_writer_table(catalog_table(catalog)), key, strlen(key), e, REGIONS * HOSTS, &n);
    for (size_t i = 0; !err && i < n; i++)
        hosts |= 1u << (e[i].port - 100);
    return hosts;
}

struct seen reader_sees(int region)
{
    struct table_region r;
    char key[32];
    const char *name = world_region_name(region);
    const struct table *t = table_writer_table(catalog_table(catalog));
    snprintf(key, sizeof key, "%s@%s", SERVICE, name);
    ck_assert_int_eq(table_region(t, name, strlen(name), &r), 0);
    if (r.sync != TABLE_UNSYNCED)
        return (struct seen){r.sync, hosts_under(key)};
    if (r.stale_since_ns) /* what the last life left */
        return (struct seen){TABLE_STALE, hosts_under(key)};
    return (struct seen){TABLE_UNSYNCED, 0}; /* what there is of it by then is a part, and not told */
}

int reader_answers(unsigned *ret_hosts)
{
    struct table_failover f;
    const struct table *t = table_writer_table(catalog_table(catalog));
    *ret_hosts = hosts_under(SERVICE);
    return table_failover(t, SERVICE, strlen(SERVICE), &f) == 0 ? number_of(f.region) : 0;
}

enum region_state reader_region_state(int region)
{
    return region_state_of(regions_at(regions, (size_t)region - 1));
}

size_t reader_usable(int region)
{
    return region == 0 ? catalog_usable_count(catalog, SERVICE)
                       : catalog_exported_count(region_catalog(regions_at(regions, (size_t)region - 1)), SERVICE);
}

enum table_sync reader_own_sync(void)
{
    return inbound_sync(inbound);
}

bool reader_own_known(void)
{
    return inbound_synced_once(inbound);
}
