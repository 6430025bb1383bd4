/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load on a DNS server of this host. System calls are batched where the point is how much the server can do: tools
 * that send one datagram a call are slower than it. One thread; the process should be pinned beside the server.
 */
#ifndef BENCH_DNS_LOAD_H
#define BENCH_DNS_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct load_options {
    int port;
    uint32_t services;  /* asked in turn: "s<i>.<domain>" SRV */
    const char *domain; /* default "shop.discover.internal" */
    uint16_t edns;      /* payload offered; 0: no OPT record */
    uint32_t window;    /* queries outstanding */
    uint32_t sockets;   /* UDP: asked from so many ports, so that workers share the load; 0: one */
    double seconds;
};

struct load_result {
    uint64_t answers, lost, truncated, failed; /* failed: rcode not 0 */
    uint64_t bytes;
    double seconds;
};

/* As many queries as are answered. Negative errno. */
int load_udp(const struct load_options *o, struct load_result *ret_r);
int load_tcp(const struct load_options *o, struct load_result *ret_r);

/* A query every 1/rate seconds, whatever is outstanding: times until the answer, in nanoseconds. Returns how many. */
size_t load_latency(const struct load_options *o, double rate, int64_t *ret_ns, size_t max);

/* Waits until the server answers; -ETIMEDOUT. *ret_bytes: the octets of an answer. */
int load_wait(const struct load_options *o, uint32_t *ret_bytes);

#endif
