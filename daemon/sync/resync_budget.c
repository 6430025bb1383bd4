/* SPDX-License-Identifier: Apache-2.0 */
/* Limits how often each host may cause a resync. */
#include "daemon/sync/resync_budget.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define HOST_BURST    2
#define HOST_EVERY_NS (20 * NS_PER_S)

/*
 * The host's entry, moved to the front. A new host without room takes the entry of the one that caused nothing for the
 * longest time.
 */
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
    return pace_try(&entry_of(b, host)->pace, now_ns);
}
