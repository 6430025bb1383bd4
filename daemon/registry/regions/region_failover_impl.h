/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of region_failover share: region_failover.c decides, region_failover_write.c writes what was decided into the
 * table, region_failover_operator.c takes the orders of operators, and shows them what is in force.
 */
#ifndef REGISTRY_REGION_FAILOVER_IMPL_H
#define REGISTRY_REGION_FAILOVER_IMPL_H

#include "daemon/registry/regions/region_failover.h"

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/sync/failover.h"

/* Places of regions in the configuration, the first to answer first. */
struct failover_order {
    size_t n;   /* the first n may answer by failover's decision */
    size_t all; /* number of all; those behind n answer only if an operator says so */
    size_t at[CONFIG_REGIONS_MAX];
};

/* What an operator has said of a service: which region answers for it on this host. Stored before it counts. */
struct operator_order {
    bool given;
    char region[LABEL_CAP]; /* "": the own one */
    uid_t uid;
    int64_t set_ms; /* since 1970 */
};

struct failover_entry {
    UT_hash_handle hh; /* by name */
    struct failover_entry *next_due;
    struct deadline deadline;
    struct failover failover;
    struct failover_rule rule;
    const struct failover_order *order;
    struct operator_order by_operator;
    int64_t written_ns;
    /* place of the region whose instances stand under the name, in that order; FAILOVER_HOME: the own one */
    int written;
    bool due;
    bool changed; /* its instances in another region may have changed */
    bool
        is_news; /* that another one answers: the own one had enough of it in this life, or an operator said so in it */
    bool chosen; /* an operator chose the region that answers now */
    char name[SERVICE_CAP];
};

struct region_failover {
    struct region_failover_reach reach;
    struct failover_counters {
        metric_value switches, away;
    } counters;
    struct failover_entry *entries, *due; /* due: a stack, linked by next_due */
    struct deadlines deadlines;
    size_t n;                      /* number of regions; 0: there is nothing to do */
    struct failover_order *orders; /* one for each entry of failover_services, the last for all other services */
    enum region_state
        states[CONFIG_REGIONS_MAX]; /* of each region, when a change of its state last made all entries due */
    size_t n_by_operator;           /* number of entries with an operator's order */
    bool synced;
    uint32_t jitter_percent;
};

/* Name of the region at a place of the service's order; that of the own region for FAILOVER_HOME. */
const char *failover_region_of(const struct region_failover *f, const struct failover_entry *e, int at);

/* Finds or makes the entry of a service, whether another region has it or not; NULL: no memory. */
struct failover_entry *failover_entry_get(struct region_failover *f, const char *service);

/* Loads the orders that an earlier life stored; a damaged one is set aside, and logged. A negative errno. */
int failover_load_orders(struct region_failover *f);

/* Has the entry decided at the next run. */
void failover_entry_make_due(struct region_failover *f, struct failover_entry *e);

/* Writes what was decided. A negative errno: not written, to be tried again. */
int failover_entry_write(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home,
                         int64_t now_ns);

#endif
