/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small Consul on loopback as its documentation wants it: one server, and the agents of two hosts, which register with and
 * ask their own agent alone. Answers of DNS come from the agents' caches (dns_config.use_cache), which is the fastest it has.
 * Fails the test when it fails.
 */
#ifndef BENCH_CONSUL_H
#define BENCH_CONSUL_H

#include <stdint.h>

#include "tests/support/proc.h"

struct consul_agent {
    struct proc proc;
    int http_port, dns_port, serf_port;
};

struct consul {
    const char *program;
    struct consul_agent server, a, b;
};

/* services: what a's configuration holds of them, JSON. Waits until b answers for service "s0". */
void consul_start(struct consul *c, const char *program, const char *services);

/* Registers at a, which has answered when this returns. port: checked each second, its shortest interval; 0: no check. */
void consul_register(struct consul *c, const char *id, const char *service, int port);
void consul_deregister(struct consul *c, const char *id);

/* All of its processes so far, in nanoseconds: an agent asks the server. */
int64_t consul_cpu_ns(const struct consul *c);

#endif
