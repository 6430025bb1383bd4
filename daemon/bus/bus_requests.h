/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others ask of this daemon over NATS, on the threads that nats.c delivers it: a copy goes to the main thread, unless too
 * many wait there already.
 *
 * The asker chooses where the answer goes, and no permission of NATS covers that: an answer under the subject of a key would be
 * a value that this host has put, one under that of JetStream's API a request of ours. So it goes to inboxes alone
 * (wire_inbox_valid), and not to our own.
 */
#ifndef BUS_REQUESTS_H
#define BUS_REQUESTS_H

#include <nats/nats.h>
#include <stdatomic.h>

#include "daemon/bus/bus_mail.h"
#include "daemon/bus/bus_shared.h"

struct bus_requests {
    struct bus_shared *shared;
    size_t max;            /* that wait; 0: nobody is answered */
    atomic_size_t waiting; /* posted, not dispatched yet */
};

/* A natsMsgHandler; closure is a struct bus_requests. */
void bus_requests_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);

/* Main thread. A request that was posted is being worked off: it does not count as waiting any more. */
void bus_requests_taken(struct bus_requests *r);

#endif
