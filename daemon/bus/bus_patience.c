/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait for a server that says nothing. */
#include "daemon/bus/bus_patience.h"

#include "libdiscover/core/clock.h"

#define CONNECT_SHARE 4 /* of the lease */
#define PING_SHARE    8
#define LONGEST_NS    (2 * NS_PER_S)
#define TIMES_MAX     64
#define SHORT_LEASES  2 /* a connection that held no longer than so many leases was lost by impatience */
#define LONG_LEASES   20

void bus_patience_init(struct bus_patience *p, int64_t lease_ttl_ns)
{
    *p = (struct bus_patience){.lease_ttl_ns = lease_ttl_ns, .times = 1, .lone = true};
}

void bus_patience_set_servers(struct bus_patience *p, size_t n_servers)
{
    p->lone = n_servers <= 1;
}

static int64_t wait_ns(const struct bus_patience *p, int share)
{
    int64_t ns = p->lease_ttl_ns / share * p->times;
    return ns < LONGEST_NS && !p->lone ? ns : LONGEST_NS;
}

int64_t bus_patience_connect_ns(const struct bus_patience *p)
{
    return wait_ns(p, CONNECT_SHARE);
}

int64_t bus_patience_ping_ns(const struct bus_patience *p)
{
    return wait_ns(p, PING_SHARE);
}

static void grow(struct bus_patience *p)
{
    if (p->times < TIMES_MAX)
        p->times *= 2;
}

void bus_patience_failed(struct bus_patience *p, size_t n_servers, int64_t took_ns)
{
    if (took_ns >= (int64_t)n_servers * bus_patience_connect_ns(p))
        grow(p);
}

void bus_patience_lost(struct bus_patience *p, int64_t held_ns)
{
    if (held_ns <= SHORT_LEASES * p->lease_ttl_ns)
        grow(p);
    else if (held_ns >= LONG_LEASES * p->lease_ttl_ns)
        p->times = 1;
}
