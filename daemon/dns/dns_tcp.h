/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over TCP (RFC 7766): one thread for all listeners and connections. dns_tcp_run is its thread; the rest is the
 * main thread's, while it does not run.
 *
 * A connection may carry any number of queries, one behind the other without waiting; the answers leave in the same
 * order. A client that does not take its answers is not read from until it does, so a connection holds at most one
 * buffer of each direction. Connections are closed when idle, when a message takes too long to arrive or an answer
 * to be taken, when a message cannot be one, and, the idlest first, when others want to connect and there are as many as
 * may be: a newcomer is always served.
 */
#ifndef DNS_DNS_TCP_H
#define DNS_DNS_TCP_H

#include <stdatomic.h>

#include "daemon/dns/dns_respond.h"
#include "daemon/dns/dns_sockets.h"

struct dns_tcp;

struct dns_tcp_options {
    const struct dns_sockets *sockets;
    const struct dns_access *access;
    struct dns_responder *responder;
    struct dns_counters *counters;
    struct progress *progress;
    uint32_t connections, per_client;
    int64_t idle_ns, message_ns;
};

/* What the options point to outlives it. -ENOMEM or another negative errno. */
int dns_tcp_new(const struct dns_tcp_options *o, struct dns_tcp **ret_t);
void dns_tcp_free(struct dns_tcp *t);

void dns_tcp_run(struct dns_tcp *t, const atomic_bool *stop);

/* Makes dns_tcp_run look at stop. Any thread. */
void dns_tcp_wake(struct dns_tcp *t);

#endif
