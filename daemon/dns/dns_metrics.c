/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the counters of the DNS workers. */
#include "daemon/dns/dns_metrics.h"

const struct metric dns_metrics[] = {
    COUNTER_OF(dns_counters, udp_queries, "discoverd_dns_queries_total{transport=\"udp\"}", "Messages received."),
    COUNTER_OF(dns_counters, tcp_queries, "discoverd_dns_queries_total{transport=\"tcp\"}", NULL),
    COUNTER_OF(dns_counters, ignored, "discoverd_dns_ignored_total", "Messages not answered: too short, or responses."),
    COUNTER_OF(dns_counters, replies[DNS_NOERROR], "discoverd_dns_responses_total{rcode=\"noerror\"}",
               "Replies: formerr, the query could not be read; servfail, the answer is not known now; notimp, no "
               "query; refused, not in our zones or not allowed; badvers, an EDNS version we do not speak."),
    COUNTER_OF(dns_counters, replies[DNS_FORMERR], "discoverd_dns_responses_total{rcode=\"formerr\"}", NULL),
    COUNTER_OF(dns_counters, replies[DNS_SERVFAIL], "discoverd_dns_responses_total{rcode=\"servfail\"}", NULL),
    COUNTER_OF(dns_counters, replies[DNS_NXDOMAIN], "discoverd_dns_responses_total{rcode=\"nxdomain\"}", NULL),
    COUNTER_OF(dns_counters, replies[DNS_NOTIMP], "discoverd_dns_responses_total{rcode=\"notimp\"}", NULL),
    COUNTER_OF(dns_counters, replies[DNS_REFUSED], "discoverd_dns_responses_total{rcode=\"refused\"}", NULL),
    COUNTER_OF(dns_counters, replies[DNS_COUNT_BADVERS], "discoverd_dns_responses_total{rcode=\"badvers\"}", NULL),
    COUNTER_OF(dns_counters, truncated, "discoverd_dns_truncated_total",
               "Replies with TC: not all of the answer fitted."),
    COUNTER_OF(dns_counters, stale, "discoverd_dns_stale_total", "Replies from a catalog that is not live."),
    COUNTER_OF(dns_counters, unsynced, "discoverd_dns_unsynced_total",
               "SERVFAIL because the catalog is not synchronised yet."),
    COUNTER_OF(dns_counters, prepared_hits, "discoverd_dns_prepared_total{result=\"hit\"}",
               "Replies from a prepared answer, and those for which one was put together."),
    COUNTER_OF(dns_counters, prepared_misses, "discoverd_dns_prepared_total{result=\"miss\"}", NULL),
    COUNTER_OF(dns_counters, denied, "discoverd_dns_denied_total",
               "Queries from clients that the access list does not allow."),
    COUNTER_OF(dns_counters, rate_limited, "discoverd_dns_rate_limited_total",
               "UDP replies held back by the rate limit."),
    HISTOGRAM_OF(dns_counters, service, "discoverd_dns_service_seconds",
                 "From a query's receipt over UDP to its reply, with those that came together; of one batch in some."),
    COUNTER_OF(dns_counters, receive_errors, "discoverd_dns_socket_errors_total{operation=\"receive\"}",
               "Errors of receiving, not of single messages, and replies that could not be sent."),
    COUNTER_OF(dns_counters, send_errors, "discoverd_dns_socket_errors_total{operation=\"send\"}", NULL),
    GAUGE_OF(dns_counters, tcp_connections, "discoverd_dns_tcp_connections", "Open TCP connections."),
    COUNTER_OF(dns_counters, tcp_accepted, "discoverd_dns_tcp_accepted_total", "TCP connections accepted."),
    COUNTER_OF(dns_counters, tcp_evicted, "discoverd_dns_tcp_closed_total{reason=\"evicted\"}",
               "TCP connections closed: the idlest for others above a limit, or because the client was idle or slow."),
    COUNTER_OF(dns_counters, tcp_timeouts, "discoverd_dns_tcp_closed_total{reason=\"timeout\"}", NULL),
    GAUGE_OF(dns_counters, answers_bytes, "discoverd_dns_answers_bytes", "Memory of prepared answers, of all workers."),
};
METRICS_LISTED(dns_metrics)

const size_t dns_metrics_n = sizeof dns_metrics / sizeof *dns_metrics;
