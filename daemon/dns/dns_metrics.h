/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker counts. Each has a set of its own and is the only one to count in it, so counting needs no locked
 * instruction; they are summed when read (daemon/base/metrics.h).
 */
#ifndef DNS_DNS_METRICS_H
#define DNS_DNS_METRICS_H

#include "daemon/base/metrics.h"
#include "libdiscover/core/dns_wire.h"

/* Replies are counted by their rcode, but for BADVERS, which is the last. */
enum { DNS_COUNT_BADVERS = DNS_REFUSED + 1, DNS_COUNTS };

struct dns_counters {
    metric_value udp_queries, tcp_queries;
    metric_value ignored;
    metric_value replies[DNS_COUNTS];
    metric_value truncated, stale, unsynced;
    metric_value prepared_hits, prepared_misses;
    metric_value denied, rate_limited;
    struct histogram service;
    metric_value receive_errors, send_errors;
    metric_value tcp_connections, tcp_accepted, tcp_evicted, tcp_timeouts;
    metric_value answers_bytes;
};

extern const struct metric dns_metrics[];
extern const size_t dns_metrics_n;

static inline void dns_count(metric_value *v)
{
    metric_set(v, metric_get(v) + 1);
}

#endif
