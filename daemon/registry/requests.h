/* SPDX-License-Identifier: Apache-2.0 */
/* Hands requests of programs over the Unix socket to the agent, the checks and the catalog. Main thread only. */
#ifndef REGISTRY_REQUESTS_H
#define REGISTRY_REQUESTS_H

#include <event2/event.h>

#include "daemon/agent/agent.h"
#include "daemon/api/api.h"
#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/registry/services/checking.h"
#include "daemon/registry/hostname_addresses.h"
#include "daemon/registry/tracing/tracing.h"

struct requests;

/* What it reaches; all stay the caller's. */
struct requests_reach {
    struct event_base *base;
    struct metrics *metrics;
    const struct config *config;
    struct catalog *catalog;
    struct agent *agent;
    struct checking *checking;
    struct tracing *tracing; /* NULL: trace contexts are not looked at */
    const struct hostname_addresses *hostnames;
    int inherited; /* a listening socket used instead of api.socket; or 0 */
    void *arg;
    void (*turn)(void *arg); /* the agent has something to do */
    /* the daemon leaves: registrations of clients that go are left to the good-bye */
    bool (*is_leaving)(void *arg);
    const char *(*store_error)(void *arg); /* why the state directory cannot be written; valid until the next turn */
    int (*failover)(void *arg, const char *service, const char *region, uid_t uid,
                    const char **ret_why); /* as in api.h */
    struct api_daemon_ops daemon;
};

/* Listens on api.socket, or on the inherited socket. Errors as of api_new; they are logged. */
int requests_new(const struct requests_reach *reach, struct requests **ret_r);

/* Ends all connections; what their programs registered is left to the good-bye, and to the next life. NULL is fine. */
void requests_free(struct requests *r);

struct api *requests_api(struct requests *r);

#endif
