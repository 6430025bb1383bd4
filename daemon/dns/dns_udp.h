/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One UDP worker: receives a batch, answers it, sends the answers. dns_udp_run is its thread; the rest is the main
 * thread's, while it does not run.
 */
#ifndef DNS_DNS_UDP_H
#define DNS_DNS_UDP_H

#include <stdatomic.h>

#include "daemon/dns/dns_respond.h"
#include "daemon/dns/dns_sockets.h"

struct dns_udp;

struct dns_udp_options {
    const struct dns_socket *socket;
    const struct dns_access *access;
    struct dns_responder *responder;
    struct dns_counters *counters;
    struct progress *progress;
    uint32_t rate_limit; /* of this worker */
    size_t reply_max;    /* octets of the largest reply */
};

/* What the options point to outlives the worker. -ENOMEM. */
int dns_udp_new(const struct dns_udp_options *o, struct dns_udp **ret_u);
void dns_udp_free(struct dns_udp *u);

/* Until stop is set; it is seen when the socket is shut down, a message comes in, or DNS_WAKE_NS has passed. */
void dns_udp_run(struct dns_udp *u, const atomic_bool *stop);

#endif
