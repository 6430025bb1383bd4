/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets, kept as the time at which each is full again. */
#include "daemon/sync/resync_budget.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define HOST_BURST    2
#define HOST_EVERY_NS (20 * NS_PER_S)

/* How long until one more fits in. */
static int64_t wait_ns(const struct resync_pace *p, int64_t now_ns)
{
    int64_t used_ns = p->full_ns > now_ns ? p->full_ns - now_ns : 0;
    int64_t over_ns = used_ns - (int64_t)(p->burst - 1) * p->every_ns;
    return over_ns > 0 ? over_ns : 0;
}

static void take(struct resync_pace *p, int64_t now_ns)
{
    p->full_ns = (p->full_ns > now_ns ? p->full_ns : now_ns) + p->every_ns;
}

int64_t resync_pace_take(struct resync_pace *p, int64_t now_ns)
{
    int64_t wait = wait_ns(p, now_ns);
    take(p, now_ns);
    return wait;
}

bool resync_pace_try(struct resync_pace *p, int64_t now_ns)
{
    if (wait_ns(p, now_ns) > 0)
        return false;
    take(p, now_ns);
    return true;
}

/* The host, moved to the front; of the one that caused nothing for the longest time, when there is no room. */
static struct resync_budget_host *entry_of(struct resync_budget *b, const char *host)
{
    struct resync_budget_host entry = {.pace = {.burst = HOST_BURST, .every_ns = HOST_EVERY_NS}};
    size_t at = 0;
    while (at < b->n && strcmp(b->all[at].host, host) != 0)
        at++;
    if (at < b->n)
        entry = b->all[at];
    else if (b->n < RESYNC_BUDGET_HOSTS)
        b->n++;
    else
        at = RESYNC_BUDGET_HOSTS - 1;
    snprintf(entry.host, sizeof entry.host, "%s", host);
    memmove(&b->all[1], &b->all[0], at * sizeof b->all[0]);
    b->all[0] = entry;
    return &b->all[0];
}

bool resync_budget_allows(struct resync_budget *b, const char *host, int64_t now_ns)
{
    struct resync_budget_host *entry = entry_of(b, host);
    bool allowed = resync_pace_try(&entry->pace, now_ns);
    b->deferred += !allowed;
    return allowed;
}
