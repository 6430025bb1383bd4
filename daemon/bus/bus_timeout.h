/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait for a server that says nothing. Pure; bus thread.
 *
 * A server that hangs has to be left in time: others give this host no longer than its lease. Noticing it
 * takes three pings, getting past others that hang a time-out each; so both are small shares of the lease.
 * But a server that is merely overloaded is not helped by clients that give up and come back: a fleet that
 * does may never get out of it. So when connections do not hold, or all servers are slow at once, the waits
 * double; and where there is no other server to go to they are as for a long lease from the beginning.
 */
#ifndef BUS_BUS_TIMEOUT_H
#define BUS_BUS_TIMEOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus_timeout {
    int64_t lease_ttl_ns;
    int64_t times; /* 1, 2, 4, ... */
    bool lone;     /* there is one server only */
};

void bus_timeout_init(struct bus_timeout *p, int64_t lease_ttl_ns);

/* How many servers are known; in the beginning, one. */
void bus_timeout_set_servers(struct bus_timeout *p, size_t n_servers);

/* The time-out of connecting to one server; the time between two pings of one. */
int64_t bus_timeout_connect_ns(const struct bus_timeout *p);
int64_t bus_timeout_ping_ns(const struct bus_timeout *p);

/*
 * The longest pause between two tries. Others give a host one lease to be heard again after they themselves
 * came back: it must not sleep through much of that. But a fleet that comes back at once has to come apart.
 */
int64_t bus_timeout_pause_ns(const struct bus_timeout *p);

/* None of so many servers could be connected to, in so long a time. One that is down refuses at once. */
void bus_timeout_failed(struct bus_timeout *p, size_t n_servers, int64_t took_ns);

/* A connection was lost that had held so long. silent: by us, since the server did not answer pings. */
void bus_timeout_lost(struct bus_timeout *p, bool silent, int64_t held_ns);

#endif
