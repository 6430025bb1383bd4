/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instances get calls, by how calls went. Pure; the reviewer's, one thread at a time.
 *
 *   - Failures one after the other, FAILED or UNREACHABLE, eject: for 30 s, the next time 60 s, ... 300 s at most; but
 *     at most max(1, 10 %) of the usable ones, and never the only one.
 *   - One that fails beyond that limit does not serve either: it is known to be dead. But since so many at once may be a fault
 *     of the network, or of the caller's own, it is tried again after 1 s, 2 s, 4 s, ... 30 s; and so are the ejected, as
 *     long as less than half of all serve.
 *   - A try is one call, the probe. It decides: back for good, or out again. For every 30 s in which all goes well, one
 *     ejection is forgotten.
 *   - A group (choice.h) whose members fail one after the other with no success in between is out as a whole, before each
 *     of them has failed often enough by itself, if there is another group to go to; back when the first probe passes.
 *   - What another process ejected is left out as well, as long as that said and within the same limits; what fails
 *     here comes first, and another's word makes no later ejection longer.
 */
#ifndef LIBDISCOVER_BALANCE_OUTLIERS_H
#define LIBDISCOVER_BALANCE_OUTLIERS_H

#include "libdiscover/balance/backend.h"

#define EJECT_MS     30000
#define EJECT_MAX_MS 300000
#define PROBE_MS     1000
#define PROBE_MAX_MS 30000

/* Another process has ejected it. The next review decides. */
void outlier_warn(struct backend *p, int64_t until_ms, int64_t now_ms);

/* Whether it is out because of what happened here, which was not sent to others yet. */
static inline bool outlier_is_unreported(const struct backend *p)
{
    return p->standing == BACKEND_EJECTED && !p->shared;
}

/*
 * Decides who of the usable backends serves. group_ends: where each group of them ends, in their order; n_groups may be 0.
 * *ret_due_ms is when a next review has something to do by itself (INT64_MAX: never).
 */
void outliers_review(struct backend *const *backends, size_t n, const uint32_t *group_ends, size_t n_groups,
                     int64_t now_ms, int64_t *ret_due_ms);

#endif
