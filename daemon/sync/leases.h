/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Liveness by leases: a host is alive until the TTL in its newest lease has passed since it arrived, on this
 * host's monotonic clock. Use it through liveness.h. Pure; main thread.
 *
 * The mass-loss guard: when a lease runs out and more than guard_percent of the hosts alive (and at least
 * guard_min) are overdue as well, it is more likely that their way to the bus broke than that all died. They are
 * held (HOST_HELD) until they are heard again, but no longer than guard_ns. A host that said good-bye is never held.
 */
#ifndef SYNC_LEASES_H
#define SYNC_LEASES_H

#include "daemon/sync/liveness.h"

/* 0 in a field means the default in brackets. */
struct leases_options {
    size_t max_hosts;       /* [20000] */
    unsigned guard_percent; /* [30]; 100 switches it off */
    unsigned guard_min;     /* [3] */
    int64_t guard_ns;       /* [5 min] */
    int64_t forget_ns;      /* a host that is gone is remembered so long, against late old leases [3 of its TTLs] */

    /*
     * Makes something come through the live feed soon (the own lease, put at once). When it is given, a lease runs
     * out only once something was heard after its deadline: nobody is declared dead over a feed that may be deaf.
     * Called when nothing was heard by then, which is seldom where there are many hosts. [NULL]
     */
    void (*probe)(void *arg);
};

int leases_new(const struct leases_options *options, const struct liveness_events *events, void *arg,
               struct liveness **ret_l); /* -ENOMEM */

#endif
