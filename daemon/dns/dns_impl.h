/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder from inside: dns.c makes it, dns_udp.c and dns_tcp.c are its workers, dns_explain.c asks it. Nobody else
 * includes this.
 */
#ifndef DNS_DNS_IMPL_H
#define DNS_DNS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/dns/dns.h"
#include "daemon/dns/dns_access.h"
#include "daemon/dns/dns_respond.h"
#include "daemon/dns/dns_sockets.h"
#include "daemon/dns/dns_tables.h"

/* A thread: for UDP with one socket, for TCP with all of them; or with neither, that of the reverse index. */
struct worker {
    struct dns *dns;
    struct dns_udp *udp; /* or */
    struct dns_tcp *tcp;
    struct dns_responder *responder;
    struct dns_counters *counters;
    struct progress progress;
    pthread_t thread;
    bool running;
};

struct dns {
    struct dns_config config;
    struct dns_access access;
    struct dns_options options; /* the numbers; its pointers are the caller's and not used after dns_new */
    struct dns_sockets sockets;
    struct dns_tables tables;
    atomic_bool stop;
    struct worker *workers; /* those of UDP in the order of their sockets, that of TCP, that of the reverse index */
    size_t n_workers;
    struct dns_responder *explainer; /* main thread; made when it is needed first */
    struct dns_counters explained;   /* no client's */
};

/*
 * dns_udp.c: receives a batch, answers it, sends the answers. -ENOMEM; what w has beside stays where it is. dns_udp_run is the
 * worker's thread, until the responder stops: that is seen when the socket is shut down, a message comes in, or DNS_WAKE_NS has
 * passed.
 */
int dns_udp_new(struct worker *w, const struct dns_socket *socket);
void dns_udp_free(struct dns_udp *u);
void dns_udp_run(struct dns_udp *u);

/*
 * dns_tcp.c: all listeners and connections (RFC 7766). -ENOMEM or another negative errno. dns_tcp_run is the worker's thread;
 * dns_tcp_wake has it look whether the responder stops, and is any thread's.
 */
int dns_tcp_new(struct worker *w);
void dns_tcp_free(struct dns_tcp *t);
void dns_tcp_run(struct dns_tcp *t);
void dns_tcp_wake(struct dns_tcp *t);

#endif
