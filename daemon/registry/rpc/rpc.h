/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others ask over NATS, answered with the documents of HTTP, within the limits: so many wait, so many are answered in a
 * second, and each in slices of the loop. The daemon is a micro service of NATS, so that its tools list all of them.
 *
 *   $SRV.PING, INFO, STATS                        alone, with .discoverd, with .discoverd.<host>
 *   discover.<region>.rpc.resolve                 by one of all daemons
 *   discover.<region>.rpc.host.<host>.<document>  by that host's; rpc.c has the table
 *
 * A request is JSON, or nothing: {"service": "shop/payment", "limit": 10}, {"name": "shop/payment/p1"}. What cannot be answered
 * has the code and the reason in the headers Nats-Service-Error-Code and Nats-Service-Error.
 *
 * Main thread only.
 */
#ifndef REGISTRY_RPC_H
#define REGISTRY_RPC_H

#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"

struct rpc;

/* What it reaches; all stay the caller's. */
struct rpc_reach {
    struct metrics *metrics;
    const struct config *config;
    struct catalog *catalog;
    void *arg;
    int (*document)(void *arg, const char *name, bool is_operator, char **ret_text,
                    size_t *ret_n);                                                     /* as document_text */
    int (*answer)(void *arg, const char *reply, int error, const char *text, size_t n); /* as bus_answer */
};

/* -ENOMEM. */
int rpc_new(const struct rpc_reach *reach, struct rpc **ret_r);
void rpc_free(struct rpc *r); /* NULL is fine */

/* Takes a request, of which it keeps a copy, or answers at once that there are too many. */
void rpc_request(struct rpc *r, const struct bus_request *request);

/* Answers what is due. Returns when to call again; INT64_MAX: when another request has come. */
int64_t rpc_tick(struct rpc *r, int64_t now_ns);

#endif
