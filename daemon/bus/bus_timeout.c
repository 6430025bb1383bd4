/* SPDX-License-Identifier: Apache-2.0 */
/* Adaptive timeouts: how long to wait for a server that does not answer, by how connections ended before. */
#include "daemon/bus/bus_timeout.h"

#include "daemon/base/deadlines.h"
#include "libdiscover/core/clock.h"

#define CONNECT_SHARE    4 /* of the lease */
#define PAUSE_SHARE      4
#define PAUSE_SHARE_LONE 2 /* there is no time lost with others */
#define PING_SHARE       8
#define CONNECT_NS       (2 * NS_PER_S) /* at most: a way that was broken is found open again by the next try only */
#define PING_NS          (2 * NS_PER_S) /* at most, in the beginning */
#define PING_MAX_NS      (8 * NS_PER_S)
#define PAUSE_MAX_NS     (4 * NS_PER_S)
#define TIMES_MAX        64
#define SHORT_LEASES     4 /* one that fell silent after no more than so many leases was given up too early */
#define LONG_LEASES      20

void bus_timeout_init(struct bus_timeout *p, int64_t lease_ttl_ns)
{
    *p = (struct bus_timeout){.lease_ttl_ns = lease_ttl_ns, .times = 1, .lone = true};
}

void bus_timeout_set_servers(struct bus_timeout *p, size_t n_servers)
{
    p->lone = n_servers <= 1;
}

int64_t bus_timeout_connect_ns(const struct bus_timeout *p)
{
    return p->lone ? CONNECT_NS : deadline_earlier(p->lease_ttl_ns / CONNECT_SHARE * p->times, CONNECT_NS);
}

int64_t bus_timeout_ping_ns(const struct bus_timeout *p)
{
    int64_t first_ns = p->lone ? PING_NS : deadline_earlier(p->lease_ttl_ns / PING_SHARE, PING_NS);
    return deadline_earlier(first_ns * p->times, PING_MAX_NS);
}

int64_t bus_timeout_pause_ns(const struct bus_timeout *p)
{
    return deadline_earlier(p->lease_ttl_ns / (p->lone ? PAUSE_SHARE_LONE : PAUSE_SHARE) * p->times, PAUSE_MAX_NS);
}

static void grow(struct bus_timeout *p)
{
    if (p->times < TIMES_MAX)
        p->times *= 2;
}

void bus_timeout_failed(struct bus_timeout *p, size_t n_servers, int64_t took_ns)
{
    if (took_ns >= (int64_t)n_servers * bus_timeout_connect_ns(p))
        grow(p);
}

void bus_timeout_lost(struct bus_timeout *p, bool silent, int64_t held_ns)
{
    if (silent && held_ns <= SHORT_LEASES * p->lease_ttl_ns)
        grow(p);
    else if (held_ns >= LONG_LEASES * p->lease_ttl_ns)
        p->times = 1;
}
