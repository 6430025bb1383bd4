/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether answers from a table are fresh, stale or degraded now. Any thread, between mapping_enter and mapping_leave.
 */
#ifndef LIBDISCOVER_LOOKUP_VERDICT_H
#define LIBDISCOVER_LOOKUP_VERDICT_H

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/lookup/mapping.h"

/*
 * The daemon's sign of life counts in seconds; reading the precise clock for it would cost half of a look-up.
 * So its verdict is kept for this long, counted on the coarse clock, which costs a quarter.
 */
#define VERDICT_KEEP_NS (10 * NS_PER_MS)

/* The coarse clock: a quarter of the price of the precise one, some milliseconds behind. */
static inline int64_t verdict_clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Whether the table has aged, which verdict_quick then knows for a while. */
bool verdict_look(struct mapping *mapping, int64_t coarse_now_ns);

/* mapping->aged: the time of the last look, times two, plus 1 if the table had aged. */
static inline bool verdict_aged(struct mapping *mapping, int64_t coarse_now_ns)
{
    int64_t known = atomic_load_explicit(&mapping->aged, memory_order_relaxed);
    bool recent = known != 0 && coarse_now_ns - known / 2 < VERDICT_KEEP_NS;
    return recent ? known & 1 : verdict_look(mapping, coarse_now_ns);
}

/* DISCOVER_FRESH, _STALE or _DEGRADED. That a daemon has fallen silent is noticed some milliseconds late. */
static inline int verdict_quick(struct mapping *mapping)
{
    enum table_sync sync = table_sync(&mapping->table);
    if (sync == TABLE_STALE || table_abandoned(&mapping->table) || verdict_aged(mapping, verdict_clock_ns()))
        return DISCOVER_STALE;
    return sync == TABLE_DEGRADED ? DISCOVER_DEGRADED : DISCOVER_FRESH;
}

/* The result of a look-up whose table could not be read; err: -EBUSY, -EBADMSG. */
static inline int verdict_unreadable(int err)
{
    return err == -EBUSY ? DISCOVER_E_BUSY : DISCOVER_E_PROTOCOL;
}

/* What is to be said of a service with n usable instances, and of one that is not in the table (NULL: no
 * table). */
static inline int verdict_found(struct mapping *mapping, size_t n)
{
    if (n > 0)
        return verdict_quick(mapping);
    return table_sync(&mapping->table) == TABLE_UNSYNCED ? DISCOVER_E_UNSYNCED : DISCOVER_E_NONE;
}

/* The length of its key in the table: a service of the own region has none behind it. */
size_t verdict_key_length(const struct table *t, const char *service);

int verdict_missing(const struct mapping *mapping, const char *service);

/*
 * The same of a service that may be asked for in a region, "shop/payment@b": then it is as true as what is known of
 * that. found: whether it is in the table. VERDICT_OWN_REGION: that is the own one, whose services have no region
 * behind them.
 */
int verdict_of(struct mapping *mapping, const char *service, bool found, size_t n);
#define VERDICT_OWN_REGION INT_MIN

/*
 * The verdict on a region as a whole: as true as what is known of it. VERDICT_OWN_REGION; DISCOVER_E_NAME: no name of
 * one; DISCOVER_E_UNKNOWN: the daemon does not read it.
 */
int verdict_region(struct mapping *mapping, const char *region);

/* How old what the table says may be; 0: live; -1: it says nothing yet. */
int64_t verdict_age_ns(const struct table *t);

#endif
