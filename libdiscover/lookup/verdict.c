/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an answer from the table is fresh, stale or degraded at this moment. */
#include "libdiscover/lookup/verdict.h"

#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

bool verdict_look(struct mapping *mapping, int64_t coarse_now_ns)
{
    bool aged = table_age_ns(&mapping->table, clock_now_ns()) > 0;
    atomic_store_explicit(&mapping->aged, coarse_now_ns * 2 + aged, memory_order_relaxed);
    return aged;
}

int verdict_missing(const struct mapping *mapping, const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    bool synced = mapping && table_sync(&mapping->table) != TABLE_UNSYNCED;
    return synced ? DISCOVER_E_UNKNOWN : DISCOVER_E_UNSYNCED;
}

/* An abandoned table is as old as its writer's last sign of life, even if that was a moment ago. */
int64_t verdict_age_ns(const struct table *t)
{
    int64_t now_ns = clock_now_ns(), age_ns = table_age_ns(t, now_ns);
    if (age_ns > 0 || !table_abandoned(t))
        return age_ns;
    int64_t alive_ns = (int64_t)table_load(&t->words[TABLE_H_ALIVE]);
    return alive_ns > 0 && alive_ns < now_ns - t->ahead_ns ? now_ns - t->ahead_ns - alive_ns : 1;
}
