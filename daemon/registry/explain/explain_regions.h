/* SPDX-License-Identifier: Apache-2.0 */
/* Which region answers for a service, and why, in an explanation. Main thread. */
#ifndef REGISTRY_EXPLAIN_REGIONS_H
#define REGISTRY_EXPLAIN_REGIONS_H

#include "daemon/registry/explain/explain_instances.h"

/* The facts about a region from which its line is made. */
struct region_facts {
    bool own;
    bool live;
    const char *state; /* "never", "stale", ... (region_state_text); of another region only */
    int64_t stale_ms;
    size_t usable, total;
    bool answers;
};

#define REGION_WHY_CAP 256

/* Says why a region answers for a service, or does not. answer: NULL where no other region could. Pure. */
void explain_region_why(const struct region_facts *r, const struct region_answer *answer,
                        char ret_why[static REGION_WHY_CAP]);

/* The other region that answers for the service; NULL: the own one does. */
const struct region *explain_answering(const struct explaining *x, const char *service);

/* A list of all regions, the own one first, which the caller frees; NULL where no other is read. */
json_t *explain_regions(const struct explaining *x, const char *service);

#endif
