/* SPDX-License-Identifier: Apache-2.0 */
/* The responder as a whole: dns.c makes it, dns_explain.c asks it. Nobody else includes this. */
#ifndef DNS_DNS_IMPL_H
#define DNS_DNS_IMPL_H

#include <pthread.h>

#include "daemon/dns/dns.h"
#include "daemon/dns/dns_access.h"
#include "daemon/dns/dns_respond.h"
#include "daemon/dns/dns_sockets.h"
#include "daemon/dns/dns_tables.h"
#include "daemon/dns/dns_tcp.h"
#include "daemon/dns/dns_udp.h"

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

#endif
