/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the counters of the Status message (proto/api.proto) from all metrics. Main thread. */
#ifndef BASE_STATUS_COUNTERS_H
#define BASE_STATUS_COUNTERS_H

#include "daemon/base/metrics.h"
#include "proto/api.pb-c.h"

/* They live until the next call. */
void status_counters_fill(const struct metrics *m, Discover__V1__Status *ret_status);

#endif
