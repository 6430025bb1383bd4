/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of discoverctl's own to NATS, with the same kinds of credentials and TLS as the daemon's. */
#include "daemon/bus/bus_ask.h"

#include <errno.h>
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_access.h"
#include "daemon/bus/bus_security.h"
#include "daemon/bus/bus_stream.h"
#include "libdiscover/core/clock.h"

#define CONNECT_MS 3000
#define LOOK_MS    200

struct bus_ask {
    natsConnection *nc;
    struct bus_access *access;
    atomic_bool denied;
};

static int fail(natsStatus s, char ret_why[static BUS_WHY_CAP])
{
    int err = bus_stream_error(s, 0, ret_why);
    return err == -ENOMEM || err == -ETIMEDOUT ? err : -ENOTCONN;
}

/* On a thread of nats.c. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus s, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_ask *ask = closure;
    if (s == NATS_NOT_PERMITTED)
        atomic_store(&ask->denied, true);
}

static natsStatus set_options(struct bus_ask *ask, natsOptions *o, char ret_why[static BUS_WHY_CAP])
{
    natsStatus s = natsOptions_SetServers(o, (const char **)ask->access->servers, (int)ask->access->n_servers);
    if (s == NATS_OK)
        s = natsOptions_SetName(o, "discoverctl");
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(o, CONNECT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(o, -1);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(o, on_error, ask);
    return s == NATS_OK ? bus_security_set(o, ask->access, ret_why) : s;
}

static int connect_to(struct bus_ask *ask, char ret_why[static BUS_WHY_CAP])
{
    natsOptions *o = NULL;
    natsStatus s = natsOptions_Create(&o);
    if (s == NATS_OK)
        s = set_options(ask, o, ret_why);
    int err = s == NATS_OK ? 0 : -EINVAL;
    if (!err && (s = natsConnection_Connect(&ask->nc, o)) != NATS_OK) {
        err = fail(s, ret_why);
        bus_security_explain(ask->access, ret_why, BUS_WHY_CAP);
    }
    natsOptions_Destroy(o);
    return err;
}

int bus_ask_open(const struct bus_options *options, struct bus_ask **ret_ask, char ret_why[static BUS_WHY_CAP])
{
    struct bus_ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return -ENOMEM;
    int err = bus_access_read(options, &ask->access, ret_why);
    if (!err)
        err = connect_to(ask, ret_why);
    if (err)
        bus_ask_close(ask);
    else
        *ret_ask = ask;
    return err;
}

void bus_ask_close(struct bus_ask *ask)
{
    if (!ask)
        return;
    natsConnection_Destroy(ask->nc);
    bus_access_free(ask->access);
    free(ask);
}

/* --- asking --- */

static int take_answer(natsMsg *msg, char **ret_text, size_t *ret_n, char ret_why[static BUS_WHY_CAP])
{
    const char *error = NULL;
    size_t n = (size_t)natsMsg_GetDataLength(msg);
    if (natsMsgHeader_Get(msg, "Nats-Service-Error", &error) == NATS_OK) {
        snprintf(ret_why, BUS_WHY_CAP, "%s", error);
        return -EREMOTEIO;
    }
    char *text = malloc(n + 1);
    if (!text)
        return -ENOMEM;
    memcpy(text, n ? natsMsg_GetData(msg) : "", n);
    text[n] = '\0';
    *ret_text = text;
    *ret_n = n;
    return 0;
}

int bus_ask(struct bus_ask *ask, const char *subject, const char *body, int64_t timeout_ns, char **ret_text,
            size_t *ret_n, char ret_why[static BUS_WHY_CAP])
{
    natsMsg *msg = NULL;
    natsStatus s = natsConnection_RequestString(&msg, ask->nc, subject, body, timeout_ns / NS_PER_MS);
    if (s == NATS_NO_RESPONDERS) {
        snprintf(ret_why, BUS_WHY_CAP, "nobody answers under %s", subject);
        return -ENOENT;
    }
    if (s != NATS_OK && atomic_load(&ask->denied)) {
        snprintf(ret_why, BUS_WHY_CAP, "NATS does not let us ask under %s", subject);
        return -ENOENT;
    }
    if (s != NATS_OK)
        return fail(s, ret_why);
    int err = take_answer(msg, ret_text, ret_n, ret_why);
    natsMsg_Destroy(msg);
    return err;
}

/* --- listening --- */

static int follow(struct bus_ask *ask, natsSubscription *sub, bus_ask_fn *fn, void *arg,
                  char ret_why[static BUS_WHY_CAP])
{
    for (bool more = true; more;) {
        natsMsg *msg = NULL;
        natsStatus s = natsSubscription_NextMsg(&msg, sub, LOOK_MS);
        if (s != NATS_OK && atomic_load(&ask->denied)) {
            snprintf(ret_why, BUS_WHY_CAP, "NATS does not let us hear that");
            return -EACCES;
        }
        if (s != NATS_OK && s != NATS_TIMEOUT)
            return fail(s, ret_why);
        if (s == NATS_OK)
            more = fn(arg, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
        natsMsg_Destroy(msg);
    }
    return 0;
}

int bus_ask_follow(struct bus_ask *ask, const char *subject, bus_ask_fn *fn, void *arg,
                   char ret_why[static BUS_WHY_CAP])
{
    natsSubscription *sub = NULL;
    natsStatus s = natsConnection_SubscribeSync(&sub, ask->nc, subject);
    int err = s == NATS_OK ? follow(ask, sub, fn, arg, ret_why) : fail(s, ret_why);
    if (sub) {
        (void)natsSubscription_Unsubscribe(sub); /* in this order: see nats.c 3.4.1 */
        (void)natsConnection_FlushTimeout(ask->nc, LOOK_MS);
        natsSubscription_Destroy(sub);
    }
    return err;
}
