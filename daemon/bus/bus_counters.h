/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus counts. Counting is any thread's. */
#ifndef BUS_COUNTERS_H
#define BUS_COUNTERS_H

#include "daemon/base/metrics.h"

struct bus_counters {
    metric_value connects, connect_failures, disconnects, moves;
    metric_value puts, acks, put_failures, puts_limited;
    metric_value live, live_dropped, foreign, unreadable;
    metric_value snapshots, mirror_snapshots, snapshot_entries, snapshot_failures, gets;
    metric_value values_refused;
    metric_value denials, published, publish_failures;
    metric_value requests, requests_no_inbox, requests_too_large, requests_full;
};

#endif
