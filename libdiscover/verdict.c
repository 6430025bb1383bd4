/* SPDX-License-Identifier: Apache-2.0 */
/* How far a table can be trusted at this moment. */
#include "libdiscover/verdict.h"

#include <time.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

/*
 * The daemon's sign of life counts in seconds; reading the precise clock for it would cost half of a look-up.
 * So its verdict is kept for this long, counted on the coarse clock, which costs a quarter.
 */
#define KEEP_NS (10 * NS_PER_MS)

int64_t verdict_clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* mapping->aged is when this was found out, times two, plus the answer. */
static bool is_aged(struct mapping *mapping, int64_t now_ns)
{
    int64_t known = atomic_load_explicit(&mapping->aged, memory_order_relaxed);
    if (known != 0 && now_ns - known / 2 < KEEP_NS)
        return known & 1;
    bool aged = table_age_ns(&mapping->table, clock_now_ns()) > 0;
    atomic_store_explicit(&mapping->aged, now_ns * 2 + aged, memory_order_relaxed);
    return aged;
}

int verdict_at(struct mapping *mapping, int64_t coarse_now_ns)
{
    enum table_sync sync = table_sync(&mapping->table);
    if (sync == TABLE_STALE || table_abandoned(&mapping->table) || is_aged(mapping, coarse_now_ns))
        return DISCOVER_STALE;
    return sync == TABLE_DEGRADED ? DISCOVER_DEGRADED : DISCOVER_FRESH;
}

int verdict_quick(struct mapping *mapping)
{
    return verdict_at(mapping, verdict_clock_ns());
}

int verdict_found(struct mapping *mapping, size_t n)
{
    if (n > 0)
        return verdict_quick(mapping);
    return table_sync(&mapping->table) == TABLE_UNSYNCED ? DISCOVER_E_UNSYNCED : DISCOVER_E_NONE;
}

int verdict_missing(const struct mapping *mapping, const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (!service || service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    bool synced = mapping && table_sync(&mapping->table) != TABLE_UNSYNCED;
    return synced ? DISCOVER_E_UNKNOWN : DISCOVER_E_UNSYNCED;
}

/* An abandoned table is as old as its writer's last sign of life, even if that was a moment ago. */
int64_t verdict_age_ns(const struct table *t)
{
    int64_t now_ns = clock_now_ns(), age_ns = table_age_ns(t, now_ns);
    if (age_ns > 0 || !table_abandoned(t))
        return age_ns;
    int64_t alive_ns = (int64_t)table_load(&t->words[TABLE_H_ALIVE]);
    return alive_ns > 0 && alive_ns < now_ns ? now_ns - alive_ns : 1;
}
