/* SPDX-License-Identifier: Apache-2.0 */
/* The names of what the workers count. */
#include "daemon/dns/dns_metrics.h"

#define COUNTER(field, name, help)                                                                                     \
    {                                                                                                                  \
        "discoverd_dns_" name, help, METRIC_COUNTER, offsetof(struct dns_counters, field)                              \
    }
#define GAUGE(field, name, help)                                                                                       \
    {                                                                                                                  \
        "discoverd_dns_" name, help, METRIC_GAUGE, offsetof(struct dns_counters, field)                                \
    }

const struct metric dns_metrics[] = {
    COUNTER(udp_queries, "udp_queries_total", "Messages received over UDP."),
    COUNTER(tcp_queries, "tcp_queries_total", "Messages received over TCP."),
    COUNTER(ignored, "ignored_total", "Messages not answered: too short, or responses."),
    COUNTER(noerror, "noerror_total", "Replies with rcode NOERROR."),
    COUNTER(formerr, "formerr_total", "Replies with rcode FORMERR: the query could not be read."),
    COUNTER(servfail, "servfail_total", "Replies with rcode SERVFAIL: the answer is not known now."),
    COUNTER(nxdomain, "nxdomain_total", "Replies with rcode NXDOMAIN."),
    COUNTER(notimp, "notimp_total", "Replies with rcode NOTIMP: not a query."),
    COUNTER(refused, "refused_total", "Replies with rcode REFUSED: not in our zones, or not allowed."),
    COUNTER(badvers, "badvers_total", "Replies with rcode BADVERS: an EDNS version we do not speak."),
    COUNTER(truncated, "truncated_total", "Replies with TC: not all of the answer fitted."),
    COUNTER(stale, "stale_total", "Replies from a catalog that is not live."),
    COUNTER(unsynced, "unsynced_total", "SERVFAIL because the catalog is not synchronised yet."),
    COUNTER(prepared_hits, "prepared_hits_total", "Replies from a prepared answer."),
    COUNTER(prepared_misses, "prepared_misses_total", "Replies for which an answer was put together."),
    COUNTER(denied, "denied_total", "Queries from clients that the access list does not allow."),
    COUNTER(rate_limited, "rate_limited_total", "UDP replies held back by the rate limit."),
    COUNTER(receive_errors, "receive_errors_total", "Errors of receiving, not of single messages."),
    COUNTER(send_errors, "send_errors_total", "Replies that could not be sent."),
    GAUGE(tcp_connections, "tcp_connections", "Open TCP connections."),
    COUNTER(tcp_accepted, "tcp_accepted_total", "TCP connections accepted."),
    COUNTER(tcp_refused, "tcp_refused_total", "TCP connections closed because of a limit."),
    COUNTER(tcp_timeouts, "tcp_timeouts_total", "TCP connections closed because the client was idle or slow."),
};

const size_t dns_metrics_n = sizeof dns_metrics / sizeof *dns_metrics;
