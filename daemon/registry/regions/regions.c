/* SPDX-License-Identifier: Apache-2.0 */
/* Reads each other region, with the same parts as the own one, but for those that write. */
#include "daemon/registry/regions/regions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/log.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/hostname_addresses.h"
#include "daemon/registry/inbound/inbound.h"
#include "libdiscover/core/clock.h"

/* As for the own region (daemon.c): a snapshot touches a service once for each of its instances. */
#define SNAPSHOT_FLUSH_NS (50 * NS_PER_MS)
#define FLUSH_BLOCKS      4
#define LOOK_AGAIN_NS     (10 * NS_PER_S)

#define BUCKET_NAME_CAP 160

struct region {
    const struct regions_reach *reach;
    const char *name;
    char buckets[BUS_BUCKETS][BUCKET_NAME_CAP]; /* names of its buckets, for people */
    struct metrics *metrics;
    struct catalog *catalog;
    struct catalog_file *file;
    struct hostname_addresses *hostnames;
    struct inbound *inbound;
    struct bus *bus;
    struct loop_watch bus_watch;
    int64_t flushed_ns;
    enum table_sync sync;                      /* as the table says */
    int64_t stale_since_ns;                    /* as the table says; 0: nothing is known */
    bool table_has_it;                         /* the table has the latest sync and stale_since_ns */
    enum bus_mirror_state mirror[BUS_BUCKETS]; /* as last logged */
    int64_t mirrors_due_ns;                    /* when mirrors that are of no use are looked at again */
};

struct regions {
    struct regions_reach reach;
    size_t n;
    struct region *all[CONFIG_REGIONS_MAX];
    /* Room for the messages of the status. */
    Discover__V1__RegionStatus status[CONFIG_REGIONS_MAX], *pointers[CONFIG_REGIONS_MAX];
};

/* --- a region's block in the table --- */

/* Returns 1 when the block has changed, 0 when it was as it is; or a negative errno: it is tried again. */
static int write_block(struct table_writer *table, const char *region, const uint64_t words[static TABLE_REGION_WORDS])
{
    char key[LABEL_CAP + 1];
    snprintf(key, sizeof key, "%%%s", region);
    return table_writer_put(table, TABLE_REGION, key, strlen(key), 0, 0, words, TABLE_REGION_WORDS);
}

static void update_table(struct region *r)
{
    const uint64_t words[TABLE_REGION_WORDS] = {
        [TABLE_R_SYNC] = r->sync, [TABLE_R_STALE_SINCE] = (uint64_t)r->stale_since_ns};
    int result = write_block(r->reach->table, r->name, words);
    r->table_has_it = result >= 0;
    if (result > 0)
        table_writer_bump_serial(r->reach->table);
}

/* A better state is announced only when the table holds all that is known of the region. */
static void update_sync(struct region *r, int64_t now_ns)
{
    enum table_sync sync = inbound_sync(r->inbound);
    bool better = sync == TABLE_LIVE || r->sync == TABLE_UNSYNCED;
    if (sync != r->sync && !(better && catalog_is_dirty(r->catalog))) {
        int64_t heard_ns = inbound_region(r->inbound)->heard_ns;
        r->stale_since_ns = sync != TABLE_STALE ? 0 : heard_ns ? heard_ns : now_ns;
        r->sync = sync;
        r->table_has_it = false;
    }
    if (!r->table_has_it)
        update_table(r);
}

/* --- its file --- */

static void load(struct region *r)
{
    if (!catalog_file_load(r->file, r->catalog, clock_now_ns(), &r->stale_since_ns))
        return;
    inbound_remember(r->inbound);
    catalog_flush(r->catalog);
}

/* What was never whole must not replace a better file. */
static bool is_worth_storing(const struct region *r, int64_t now_ns, int64_t *ret_true_ns)
{
    bool is_true = r->sync == TABLE_LIVE || r->sync == TABLE_DEGRADED;
    *ret_true_ns = is_true ? now_ns : r->stale_since_ns;
    return inbound_synced_once(r->inbound) && !catalog_is_dirty(r->catalog) && *ret_true_ns;
}

/* --- its mirrors --- */

static void remembered(void *arg, int64_t newest_ns)
{
    struct region *r = arg;
    int64_t age_ns = clock_wall_ms() * NS_PER_MS - newest_ns;
    r->stale_since_ns = clock_now_ns() - (age_ns > 0 ? age_ns : 1);
    r->table_has_it = false;
}

static bool is_of_use(enum bus_mirror_state state)
{
    return state == BUS_MIRROR_VALID || state == BUS_MIRROR_NONE;
}

static void log_mirrors(struct region *r)
{
    for (int b = 0; b < BUS_BUCKETS; b++) {
        enum bus_mirror_state found = bus_mirror_found(r->bus, (enum bus_bucket)b);
        if (found == r->mirror[b])
            continue;
        if (!is_of_use(found))
            log_warning("the mirror of bucket %s is %s: it is read from the region itself", r->buckets[b],
                        bus_mirror_text(found));
        else if (!is_of_use(r->mirror[b]))
            log_notice("the mirror of bucket %s is valid", r->buckets[b]);
        r->mirror[b] = found;
    }
}

static void look_at_mirrors(struct region *r, int64_t now_ns)
{
    if (now_ns < r->mirrors_due_ns)
        return;
    r->mirrors_due_ns = now_ns + LOOK_AGAIN_NS;
    for (int b = 0; b < BUS_BUCKETS; b++)
        if (!is_of_use(r->mirror[b]))
            (void)bus_order(r->bus, BUS_LOOK_AT_MIRROR,
                            (enum bus_bucket)b); /* busy: the answer to the earlier order will do */
}

/* The state of a mirror that is of no use, if there is one. */
static const char *mirror_text(const struct region *r)
{
    enum bus_mirror_state services = bus_mirror_found(r->bus, BUS_SERVICES);
    return bus_mirror_text(is_of_use(services) ? bus_mirror_found(r->bus, BUS_HOSTS) : services);
}

/* --- time --- */

static bool flush_may_wait(const struct region *r, int64_t now_ns)
{
    return inbound_reads_records(r->inbound) && now_ns - r->flushed_ns < SNAPSHOT_FLUSH_NS;
}

static bool flush(struct region *r, const struct loop_slice *slice, int64_t now_ns)
{
    if (flush_may_wait(r, now_ns))
        return false;
    while (catalog_is_dirty(r->catalog) && !loop_slice_over(slice))
        (void)catalog_flush_some(r->catalog, FLUSH_BLOCKS);
    bool more = catalog_is_dirty(r->catalog);
    if (!more) {
        r->flushed_ns = now_ns;
        update_sync(r, now_ns); /* a better state may have waited for the flush */
    }
    return more;
}

static int64_t tick(struct region *r, int64_t now_ns)
{
    int64_t true_ns, next_ns = inbound_tick(r->inbound, now_ns);
    update_sync(r, now_ns);
    if (is_worth_storing(r, now_ns, &true_ns))
        catalog_file_write(r->file, r->reach->table, true_ns, now_ns);
    return flush_may_wait(r, now_ns) ? deadline_earlier(next_ns, r->flushed_ns + SNAPSHOT_FLUSH_NS) : next_ns;
}

static void second(struct region *r, int64_t now_ns)
{
    catalog_forget_gone(r->catalog, now_ns - r->reach->config->registry.record_ttl_ns);
    (void)catalog_flush_again(r->catalog);
    log_mirrors(r);
    look_at_mirrors(r, now_ns);
    inbound_second(r->inbound, now_ns);
}

/* --- what others ask about it --- */

struct catalog *region_catalog(const struct region *r)
{
    return r->catalog;
}

const struct inbound *region_inbound(const struct region *r)
{
    return r->inbound;
}

const char *region_name(const struct region *r)
{
    return r->name;
}

enum region_state region_state_of(const struct region *r)
{
    return inbound_region(r->inbound)->state;
}

int64_t region_stale_ms(const struct region *r, int64_t now_ns)
{
    return region_state_of(r) == REGION_LIVE ? 0 : r->stale_since_ns ? (now_ns - r->stale_since_ns) / NS_PER_MS : -1;
}

static void fill_status(const struct region *r, int64_t now_ns, Discover__V1__RegionStatus *ret_status)
{
    Discover__V1__Status of_inbound = DISCOVER__V1__STATUS__INIT;
    enum region_state state = region_state_of(r);
    struct catalog_counts counts = catalog_counts(r->catalog);
    inbound_status(r->inbound, now_ns, &of_inbound);
    discover__v1__region_status__init(ret_status);
    ret_status->name = (char *)r->name;
    ret_status->state = (char *)region_state_text(state);
    ret_status->stale_ms = region_stale_ms(r, now_ns);
    ret_status->reason = (char *)(state == REGION_LIVE ? "" : inbound_stale_reason(r->inbound));
    ret_status->server = of_inbound.bus_server;
    ret_status->error = of_inbound.bus_error;
    ret_status->mirror = (char *)mirror_text(r);
    ret_status->mirror_snapshots = bus_mirror_snapshots(r->bus);
    ret_status->hosts = (uint32_t)counts.hosts;
    ret_status->services = (uint32_t)counts.services;
    ret_status->instances = (uint32_t)counts.instances;
    ret_status->usable = (uint32_t)counts.usable;
    ret_status->questions = inbound_region(r->inbound)->asked;
}

/* --- life of one --- */

static void on_bus(void *arg)
{
    struct region *r = arg;
    bus_dispatch(r->bus);
    r->reach->turn(r->reach->arg);
}

static int order(void *arg, enum bus_order order, enum bus_bucket bucket)
{
    struct region *r = arg;
    return bus_order(r->bus, order, bucket);
}

static int make_inbound(struct region *r)
{
    const struct config *c = r->reach->config;
    const char *buckets[BUS_BUCKETS] = {c->registry.services_bucket, c->registry.hosts_bucket};
    for (int b = 0; b < BUS_BUCKETS; b++)
        snprintf(r->buckets[b], sizeof r->buckets[b], "%s of region %s", buckets[b], r->name);
    const struct inbound_reach reach = {.metrics = r->metrics,
                                        .config = c,
                                        .region = r->name,
                                        .buckets = {r->buckets[BUS_SERVICES], r->buckets[BUS_HOSTS]},
                                        .catalog = r->catalog,
                                        .catalog_file = r->file,
                                        .tracing = r->reach->tracing,
                                        .arg = r,
                                        .order = order,
                                        .remembered = remembered};
    return inbound_new(&reach, &r->inbound);
}

static int make_bus(struct region *r, const struct region_config *config)
{
    int err = configured_region_bus_new(r->reach->config, config, &inbound_bus_events, r->inbound, &r->bus);
    if (!err)
        err = bus_add_metrics(r->bus, r->metrics);
    if (!err)
        err = loop_watch_init(&r->bus_watch, r->reach->base, bus_fd(r->bus), on_bus, r);
    return err ? err : bus_start(r->bus, NULL);
}

static int make_parts(struct region *r, const struct region_config *config)
{
    const struct config *c = r->reach->config;
    int err = metrics_new(&r->metrics);
    if (!err)
        err = configured_region_catalog_new(c, r->name, r->reach->table, &r->catalog);
    if (!err)
        err = catalog_file_new(r->reach->base, c->state_dir, r->name, r->metrics, &r->file);
    if (!err)
        err = make_inbound(r);
    if (err)
        return err;
    catalog_watch_services(r->catalog, r->reach->service_changed, r->reach->arg);
    load(r);
    update_table(r);
    err =
        hostname_addresses_new(r->reach->base, c, r->catalog, r->metrics, r->reach->turn, r->reach->arg, &r->hostnames);
    return err ? err : make_bus(r, config);
}

static void store(struct region *r)
{
    int64_t true_ns;
    if (r->inbound && r->file && is_worth_storing(r, clock_now_ns(), &true_ns))
        catalog_file_write_now(r->file, r->reach->table, true_ns);
}

static void region_free(struct region *r)
{
    loop_watch_fini(&r->bus_watch);
    if (r->bus)
        bus_stop(r->bus);
    bus_free(r->bus);
    store(r);
    hostname_addresses_free(r->hostnames);
    inbound_free(r->inbound);
    catalog_file_free(r->file);
    catalog_free(r->catalog);
    metrics_free(r->metrics);
    free(r);
}

static int region_new(const struct regions_reach *reach, const struct region_config *config, struct region **ret_r)
{
    struct region *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->reach = reach;
    r->name = config->name;
    int err = make_parts(r, config);
    if (err) {
        log_error("region %s: %s", r->name, strerror(-err));
        region_free(r);
        return err;
    }
    *ret_r = r;
    return 0;
}

/* --- all of them --- */

/*
 * The own region's block only marks it as the own one: how far the table can be trusted stands in the table's header.
 */
static int write_own_block(struct table_writer *table, const char *name)
{
    const uint64_t words[TABLE_REGION_WORDS] = {[TABLE_R_OWN] = 1};
    int result = write_block(table, name, words);
    return result < 0 ? result : 0;
}

static int make(struct regions *r)
{
    const struct config *c = r->reach.config;
    int err = write_own_block(r->reach.table, c->region);
    for (size_t i = 0; i < c->n_regions && !err; i++) {
        err = region_new(&r->reach, &c->regions[i], &r->all[i]);
        r->n += !err;
    }
    return err;
}

int regions_new(const struct regions_reach *reach, struct regions **ret_r)
{
    struct regions *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->reach = *reach;
    int err = make(r);
    if (err)
        regions_free(r);
    else
        *ret_r = r;
    return err;
}

void regions_free(struct regions *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        region_free(r->all[i]);
    free(r);
}

size_t regions_count(const struct regions *r)
{
    return r ? r->n : 0;
}

struct region *regions_at(const struct regions *r, size_t i)
{
    return r->all[i];
}

const struct region *regions_find(const struct regions *r, const char *name)
{
    for (size_t i = 0; i < regions_count(r); i++)
        if (strcmp(r->all[i]->name, name) == 0)
            return r->all[i];
    return NULL;
}

bool regions_know(const struct regions *r, const char *service)
{
    for (size_t i = 0; i < regions_count(r); i++)
        if (catalog_knows_service(r->all[i]->catalog, service))
            return true;
    return false;
}

int64_t regions_tick(struct regions *r, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < regions_count(r); i++)
        next_ns = deadline_earlier(next_ns, tick(r->all[i], now_ns));
    return next_ns;
}

void regions_second(struct regions *r, int64_t now_ns)
{
    for (size_t i = 0; i < regions_count(r); i++)
        second(r->all[i], now_ns);
}

void regions_stalled(struct regions *r, int64_t ns)
{
    for (size_t i = 0; i < regions_count(r); i++) {
        catalog_postpone(r->all[i]->catalog, ns);
        inbound_stalled(r->all[i]->inbound, ns);
    }
}

bool regions_flush(struct regions *r, const struct loop_slice *slice, int64_t now_ns)
{
    bool more = false;
    for (size_t i = 0; i < regions_count(r); i++)
        more |= flush(r->all[i], slice, now_ns);
    return more;
}

void regions_set_access(struct regions *r, struct bus_access **accesses)
{
    for (size_t i = 0; accesses && i < regions_count(r); i++) {
        if (accesses[i])
            (void)bus_set_access(r->all[i]->bus, accesses[i]);
        accesses[i] = NULL;
    }
}

void regions_status(struct regions *r, int64_t now_ns, Discover__V1__Status *ret_status)
{
    size_t n = regions_count(r);
    if (!r)
        return; /* there are no regions yet, or not any more */
    ret_status->region = r->reach.config->region;
    for (size_t i = 0; i < n; i++) {
        fill_status(r->all[i], now_ns, &r->status[i]);
        r->pointers[i] = &r->status[i];
    }
    ret_status->n_regions = n;
    ret_status->regions = n ? r->pointers : NULL;
}
