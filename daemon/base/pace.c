/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket, kept as the time at which it is full again. */
#include "daemon/base/pace.h"

#include "libdiscover/core/clock.h"

struct pace pace_per_second(unsigned n)
{
    return (struct pace){.burst = n, .every_ns = NS_PER_S / n};
}

int64_t pace_wait_ns(const struct pace *p, int64_t now_ns)
{
    int64_t used_ns = p->full_ns > now_ns ? p->full_ns - now_ns : 0;
    int64_t over_ns = used_ns - (int64_t)(p->burst - 1) * p->every_ns;
    return over_ns > 0 ? over_ns : 0;
}

int64_t pace_take(struct pace *p, int64_t now_ns)
{
    int64_t wait_ns = pace_wait_ns(p, now_ns);
    p->full_ns = (p->full_ns > now_ns ? p->full_ns : now_ns) + p->every_ns;
    return wait_ns;
}

bool pace_try(struct pace *p, int64_t now_ns)
{
    return pace_wait_ns(p, now_ns) == 0 && pace_take(p, now_ns) == 0;
}
