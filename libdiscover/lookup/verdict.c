/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an answer from the table is fresh, stale or degraded at this moment. */
#include "libdiscover/lookup/verdict.h"

#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/table_key.h"

bool verdict_look(struct mapping *mapping, int64_t coarse_now_ns)
{
    bool aged = table_age_ns(&mapping->table, clock_now_ns()) > 0;
    atomic_store_explicit(&mapping->aged, coarse_now_ns * 2 + aged, memory_order_relaxed);
    return aged;
}

int verdict_missing(const struct mapping *mapping, const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (service_ref_parse(service, domain, name, region) < 0)
        return DISCOVER_E_NAME;
    bool synced = mapping && table_sync(&mapping->table) != TABLE_UNSYNCED;
    return synced ? DISCOVER_E_UNKNOWN : DISCOVER_E_UNSYNCED;
}

/* The daemon that wrote the table gives no sign of life, or has gone. */
static bool is_dead(const struct mapping *mapping)
{
    const struct table *t = &mapping->table;
    int64_t alive_ns = (int64_t)table_load(&t->words[TABLE_H_ALIVE]);
    return table_abandoned(t) || clock_now_ns() - t->ahead_ns - alive_ns >= TABLE_DEAD_NS;
}

/*
 * Whether another region answers for the service: what the own one has is then found with the own region's name behind
 * the key.
 */
static bool is_away(const struct table *t, const char *service, size_t n)
{
    struct table_failover failover;
    return table_failover(t, service, n, &failover) == 0;
}

size_t verdict_key_length(const struct table *t, const char *service)
{
    struct table_region region;
    size_t n = strlen(service), name = table_key_name_bytes(service, n);
    bool own = name < n && table_region(t, service + name + 1, n - name - 1, &region) == 0 && region.own;
    return own && !is_away(t, service, name) ? name : n;
}

/* The result for a service with n usable instances in a region, or for one that is not there. */
static int judge_region(const struct mapping *mapping, const char *name, bool found, size_t n)
{
    struct table_region region;
    int err = table_region(&mapping->table, name, strlen(name), &region);
    if (err)
        return err == -ENOENT ? DISCOVER_E_UNKNOWN : verdict_unreadable(err);
    if (region.own)
        return VERDICT_OWN_REGION;
    if (region.sync == TABLE_UNSYNCED)
        return found && n > 0 && region.stale_since_ns ? DISCOVER_STALE : DISCOVER_E_UNSYNCED;
    if (n == 0)
        return found ? DISCOVER_E_NONE : DISCOVER_E_UNKNOWN;
    if (region.sync == TABLE_STALE || is_dead(mapping))
        return DISCOVER_STALE;
    return region.sync == TABLE_DEGRADED ? DISCOVER_DEGRADED : DISCOVER_FRESH;
}

int verdict_of(struct mapping *mapping, const char *service, bool found, size_t n)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (!service || service_ref_parse(service, domain, name, region) < 0)
        return DISCOVER_E_NAME;
    struct table_failover failover = {.since_ns = 0};
    if (!table_has_daemon(&mapping->table)) /* over DNS the answer says all there is to be known */
        return found ? verdict_found(mapping, n) : verdict_missing(mapping, service);
    if (!*region && table_failover(&mapping->table, service, strlen(service), &failover) == 0)
        memcpy(region, failover.region, sizeof region);
    if (!*region)
        return found ? verdict_found(mapping, n) : verdict_missing(mapping, service);
    int result = judge_region(mapping, region, found, n);
    if (result != VERDICT_OWN_REGION)
        return result;
    if (found)
        return verdict_found(mapping, n);
    bool away = is_away(&mapping->table, service, strcspn(service, "@"));
    return away ? verdict_missing(mapping, service) : VERDICT_OWN_REGION;
}

int verdict_region(struct mapping *mapping, const char *region)
{
    if (!label_valid(region, strlen(region)))
        return DISCOVER_E_NAME;
    return table_has_daemon(&mapping->table) ? judge_region(mapping, region, true, 1) : DISCOVER_E_UNSYNCED;
}

/* An abandoned table is as old as its writer's last sign of life, even if that was a moment ago. */
int64_t verdict_age_ns(const struct table *t)
{
    int64_t now_ns = clock_now_ns(), age_ns = table_age_ns(t, now_ns);
    if (age_ns > 0)
        return age_ns;
    if (!table_abandoned(t))
        return table_sync(t) == TABLE_UNSYNCED ? -1 : 0;
    int64_t alive_ns = (int64_t)table_load(&t->words[TABLE_H_ALIVE]);
    return alive_ns > 0 && alive_ns < now_ns - t->ahead_ns ? now_ns - t->ahead_ns - alive_ns : 1;
}
