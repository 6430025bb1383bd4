/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of region_failover share: region_failover.c decides, region_failover_write.c writes what was decided into the
 * table, region_failover_told.c has what operators say, and what they are told.
 */
#ifndef REGISTRY_REGION_FAILOVER_IMPL_H
#define REGISTRY_REGION_FAILOVER_IMPL_H

#include "daemon/registry/regions/region_failover.h"

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/registry/regions/region_switches.h"
#include "daemon/sync/failover.h"

struct failover_counters {
    metric_value switches, away;
};

/* Places of regions in the configuration, the first to answer first. */
struct failover_order {
    size_t n;   /* that answer by themselves; */
    size_t all; /* behind them those that an operator alone can make answer */
    size_t at[CONFIG_REGIONS_MAX];
};

struct failover_entry {
    UT_hash_handle hh; /* by name */
    struct failover_entry *next_due;
    struct deadline deadline;
    struct failover failover;
    struct failover_rule rule;
    const struct failover_order *order;
    int64_t written_ns;
    int written; /* in that order: whose instances stand under its name; FAILOVER_HOME */
    bool due;
    bool changed; /* what another one has may have */
    bool
        is_news; /* that another one answers: the own one had enough of it in this life, or an operator said so in it */
    bool said;   /* an operator had it answered where it is */
    char name[SERVICE_CAP];
};

struct region_failover {
    struct region_failover_reach reach;
    struct failover_counters counters;
    struct failover_entry *entries, *due; /* due: a stack */
    struct deadlines deadlines;
    size_t n;                      /* regions; 0: nothing is to be done */
    struct failover_order *orders; /* of failover_services, and behind them that of all others */
    enum region_state *states;     /* as they were when all entries were last due for it */
    struct region_switches switches;
    bool synced;
    uint32_t jitter_percent;
};

/* The region at that place of the service's order, or the own one. */
const char *failover_region_of(const struct region_failover *f, const struct failover_entry *e, int at);

/* Of a service, whether another region has it or not; NULL: no memory. The other one: does what an operator says of it. */
struct failover_entry *failover_entry_get(struct region_failover *f, const char *service);
void failover_entry_set_forced(struct region_failover *f, struct failover_entry *e);

/* What an earlier life left of them. A negative errno. */
int failover_switches_load(struct region_failover *f);

/* Has it decided at the next run. */
void failover_entry_make_due(struct region_failover *f, struct failover_entry *e);

/* Writes what was decided. A negative errno: not written, to be tried again. */
int failover_entry_write(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home,
                         int64_t now_ns);

#endif
