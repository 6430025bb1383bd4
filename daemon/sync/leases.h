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

struct leases_options {
    size_t max_hosts;
    unsigned guard_percent; /* 100 switches the guard off */
    unsigned guard_min;
    int64_t guard_ns;

    /*
     * Makes something come through the live feed soon (the own lease, put at once). When it is given, a lease runs
     * out only once something was heard after its deadline: nobody is declared dead over a feed that may be deaf.
     * Called when nothing was heard by then, which is seldom where there are many hosts. NULL: none.
     */
    void (*probe)(void *arg);
};

int leases_new(const struct leases_options *options, const struct liveness_events *events, void *arg,
               struct liveness **ret_l); /* -ENOMEM */

#endif
