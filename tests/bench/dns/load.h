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

/* How long each answer of a server took, in nanoseconds. */
struct load_times {
    const struct load_options *load;
    int64_t *ns;
    size_t max, n;
};

#define LOAD_TIMES_MAX 8

/*
 * A query to each of n servers every 1/rate seconds, whatever is outstanding. They are asked in turn, not one after the
 * other: whatever else the machine does meets all of them alike. Negative errno.
 */
int load_latency(struct load_times *times, size_t n, double rate);

/* Waits until the server answers; -ETIMEDOUT. *ret_bytes: the octets of an answer. */
int load_wait(const struct load_options *o, uint32_t *ret_bytes);

#endif
