/* SPDX-License-Identifier: Apache-2.0 */
/* Measures how long records take from the NATS server into the table. */
#include "daemon/registry/inbound/arrivals.h"

#include "daemon/catalog/catalog_explain.h"
#include "libdiscover/core/clock.h"

void arrivals_taken(struct arrivals *a, uint64_t id, int64_t stored_ns)
{
    if (!stored_ns || !a->clock.known || a->n == ARRIVALS_MAX)
        return;
    a->all[a->n].id = id;
    a->all[a->n].stored_ns = stored_ns;
    a->n++;
}

void arrivals_visible(struct arrivals *a, struct catalog *c, int64_t now_ns)
{
    for (size_t i = 0; i < a->n; i++) {
        int64_t error_ns, took_ns = server_clock_since(&a->clock, a->all[i].stored_ns, now_ns, &error_ns);
        histogram_observe(&a->visible, took_ns);
        if (a->all[i].id)
            catalog_set_reached(c, a->all[i].id, took_ns, error_ns);
    }
    a->n = 0;
}
