/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets served. Main thread only.
 *
 * Those that were passed (socket activation), and those of `listen` whose address is not among them. What was passed belongs
 * to whoever passed it, too: it is never shut down, and what is not read from it by the end is there for the next life.
 *
 * The TCP listener of an address is opened first and without SO_REUSEPORT, so that it is a lock: of two daemons only
 * one gets it, whatever folders they use. Only behind it do the UDP sockets of several workers share their address.
 */
#ifndef DNS_DNS_SOCKETS_H
#define DNS_DNS_SOCKETS_H

#include "daemon/dns/dns.h"
#include "daemon/dns/dns_access.h"

#define DNS_SOCKETS_MAX ((DNS_LISTEN_MAX + DNS_INHERITED_MAX) * DNS_WORKERS_MAX)

struct dns_socket {
    int fd;
    bool inherited; /* someone else has it too: it is never shut down */
    union dns_peer address;
};

struct dns_sockets {
    struct dns_socket udp[DNS_SOCKETS_MAX]; /* one for each worker */
    size_t n_udp;
    struct dns_socket tcp[DNS_LISTEN_MAX + DNS_INHERITED_MAX];
    size_t n_tcp;
};

/* How long a worker may sleep in recvmmsg before it looks whether there is anything else to do. */
#define DNS_WAKE_NS INT64_C(250000000)

/* A negative errno with the reason; nothing stays open then. */
int dns_sockets_open(const struct dns_options *o, struct dns_sockets *ret_s, char ret_reason[static DNS_REASON_CAP]);
void dns_sockets_close(struct dns_sockets *s);

/* For an interface that takes less than our answers: rather fragments than none. Any thread. */
void dns_socket_allow_fragments(const struct dns_socket *s);

#endif
