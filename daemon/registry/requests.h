/* SPDX-License-Identifier: Apache-2.0 */
/* What programs ask for over the Unix socket: to the agent and the catalog. Main thread only. */
#ifndef REGISTRY_REQUESTS_H
#define REGISTRY_REQUESTS_H

#include <event2/event.h>

#include "daemon/agent/registrar.h"
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
    const char *version; /* of the daemon */
    struct catalog *catalog;
    struct agent *agent;
    struct checking *checking;
    struct tracing *tracing; /* NULL: trace contexts are not looked at */
    const struct hostname_addresses *hostnames;
    int inherited; /* a listening socket used instead of api.socket; or 0 */
    void *arg;
    void (*turn)(void *arg);               /* the agent has something to do */
    uint64_t (*reload)(void *arg);         /* as in api.h */
    void (*leave)(void *arg);              /* the host is to leave the registry */
    bool (*is_leaving)(void *arg);         /* it does: clients that go leave their registrations to the good-bye */
    const char *(*store_error)(void *arg); /* why the state directory cannot be written; valid until the next turn */
    void (*status)(void *arg, Discover__V1__Status *ret_status);
    int (*failover)(void *arg, const char *service, const char *region, uid_t uid,
                    const char **ret_why);                                                          /* as in api.h */
    int (*forget)(void *arg, const char *host, const char **ret_why);                               /* as in api.h */
    int (*document)(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n); /* as in api.h */
};

/* Listens on api.socket. Errors as of api_new, said in the log. */
int requests_new(const struct requests_reach *reach, struct requests **ret_r);

/* Ends all connections; what their programs registered is left to the good-bye, and to the next life. NULL is fine. */
void requests_free(struct requests *r);

struct api *requests_api(struct requests *r);

#endif
