/* SPDX-License-Identifier: Apache-2.0 */
/* The names of what the workers count. */
#include "daemon/dns/dns_metrics.h"

const struct metric dns_metrics[] = {
    COUNTER_OF(dns_counters, udp_queries, "discoverd_dns_udp_queries_total", "Messages received over UDP."),
    COUNTER_OF(dns_counters, tcp_queries, "discoverd_dns_tcp_queries_total", "Messages received over TCP."),
    COUNTER_OF(dns_counters, ignored, "discoverd_dns_ignored_total", "Messages not answered: too short, or responses."),
    COUNTER_OF(dns_counters, noerror, "discoverd_dns_noerror_total", "Replies with rcode NOERROR."),
    COUNTER_OF(dns_counters, formerr, "discoverd_dns_formerr_total",
               "Replies with rcode FORMERR: the query could not be read."),
    COUNTER_OF(dns_counters, servfail, "discoverd_dns_servfail_total",
               "Replies with rcode SERVFAIL: the answer is not known now."),
    COUNTER_OF(dns_counters, nxdomain, "discoverd_dns_nxdomain_total", "Replies with rcode NXDOMAIN."),
    COUNTER_OF(dns_counters, notimp, "discoverd_dns_notimp_total", "Replies with rcode NOTIMP: not a query."),
    COUNTER_OF(dns_counters, refused, "discoverd_dns_refused_total",
               "Replies with rcode REFUSED: not in our zones, or not allowed."),
    COUNTER_OF(dns_counters, badvers, "discoverd_dns_badvers_total",
               "Replies with rcode BADVERS: an EDNS version we do not speak."),
    COUNTER_OF(dns_counters, truncated, "discoverd_dns_truncated_total",
               "Replies with TC: not all of the answer fitted."),
    COUNTER_OF(dns_counters, stale, "discoverd_dns_stale_total", "Replies from a catalog that is not live."),
    COUNTER_OF(dns_counters, unsynced, "discoverd_dns_unsynced_total",
               "SERVFAIL because the catalog is not synchronised yet."),
    COUNTER_OF(dns_counters, prepared_hits, "discoverd_dns_prepared_hits_total", "Replies from a prepared answer."),
    COUNTER_OF(dns_counters, prepared_misses, "discoverd_dns_prepared_misses_total",
               "Replies for which an answer was put together."),
    COUNTER_OF(dns_counters, denied, "discoverd_dns_denied_total",
               "Queries from clients that the access list does not allow."),
    COUNTER_OF(dns_counters, rate_limited, "discoverd_dns_rate_limited_total",
               "UDP replies held back by the rate limit."),
    COUNTER_OF(dns_counters, receive_errors, "discoverd_dns_receive_errors_total",
               "Errors of receiving, not of single messages."),
    COUNTER_OF(dns_counters, send_errors, "discoverd_dns_send_errors_total", "Replies that could not be sent."),
    GAUGE_OF(dns_counters, tcp_connections, "discoverd_dns_tcp_connections", "Open TCP connections."),
    COUNTER_OF(dns_counters, tcp_accepted, "discoverd_dns_tcp_accepted_total", "TCP connections accepted."),
    COUNTER_OF(dns_counters, tcp_evicted, "discoverd_dns_tcp_evicted_total",
               "TCP connections that were closed, the idlest first, for others above a limit."),
    COUNTER_OF(dns_counters, tcp_timeouts, "discoverd_dns_tcp_timeouts_total",
               "TCP connections closed because the client was idle or slow."),
};

const size_t dns_metrics_n = sizeof dns_metrics / sizeof *dns_metrics;
