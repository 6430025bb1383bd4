/* SPDX-License-Identifier: Apache-2.0 */
/* How far a table can be trusted at this moment. Any thread, between mapping_enter and mapping_leave. */
#ifndef LIBDISCOVER_VERDICT_H
#define LIBDISCOVER_VERDICT_H

#include "libdiscover/mapping.h"

/* DISCOVER_FRESH, _STALE or _DEGRADED. That a daemon has fallen silent is noticed some milliseconds late. */
int verdict_quick(struct mapping *mapping);

/* How old what the table says may be; 0: live. */
int64_t verdict_age_ns(const struct table *t);

#endif
