/* SPDX-License-Identifier: Apache-2.0 */
/* How far a table can be trusted at this moment. Any thread, between mapping_enter and mapping_leave. */
#ifndef LIBDISCOVER_VERDICT_H
#define LIBDISCOVER_VERDICT_H

#include "libdiscover/mapping.h"

/* The coarse clock, for verdict_at: a quarter of the price of the precise one, some milliseconds behind. */
int64_t verdict_clock_ns(void);

/* DISCOVER_FRESH, _STALE or _DEGRADED. That a daemon has fallen silent is noticed some milliseconds late. */
int verdict_at(struct mapping *mapping, int64_t coarse_now_ns);
int verdict_quick(struct mapping *mapping);

/* What is to be said of a service with n usable instances, and of one that is not in the table (NULL: no table). */
int verdict_found(struct mapping *mapping, size_t n);
int verdict_missing(const struct mapping *mapping, const char *service);

/* How old what the table says may be; 0: live. */
int64_t verdict_age_ns(const struct table *t);

#endif
