/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants to hear of changes of which service. A change is told as its name alone: the client reads the rest in the
 * shared table. So a client that is slow to read misses nothing by being told once of many changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/api/api_impl.h"

struct api_watch {
    struct api_watch *next;
    uint64_t seq; /* of the service when the client was last told */
    char service[];
};

/* No service has this: a new watch is told of at once, so that nothing falls between its making and its first look. */
#define NEVER_TOLD UINT64_MAX

static void tell(struct api_client *c, const struct api_watch *w)
{
    Discover__V1__Changed changed = DISCOVER__V1__CHANGED__INIT;
    Discover__V1__ServerMessage message = DISCOVER__V1__SERVER_MESSAGE__INIT;
    changed.service = (char *)w->service;
    message.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED;
    message.changed = &changed;
    api_client_send(c, &message, -1);
}

/* While something waits to be sent nothing is added: what changed meanwhile is told when the client has caught up. */
void api_watch_check(struct api_client *c)
{
    const struct api *api = c->api;
    for (struct api_watch *w = c->watches; w && !c->out && c->sock >= 0 && !c->ended; w = w->next) {
        uint64_t seq = api->ops.service_seq(api->ops.arg, w->service);
        if (seq == w->seq)
            continue;
        w->seq = seq;
        tell(c, w);
    }
}

void api_changed(struct api *api)
{
    struct api_client *c;
    api_enter(api);
    DL_FOREACH(api->clients, c)
    api_watch_check(c);
    api_exit(api);
}

void api_watch_free(struct api_client *c)
{
    struct api_watch *w, *next;
    LL_FOREACH_SAFE(c->watches, w, next)
    free(w);
    c->watches = NULL;
    c->n_watches = 0;
}

static struct api_watch *find(struct api_client *c, const char *service)
{
    struct api_watch *w = c->watches;
    while (w && strcmp(w->service, service) != 0)
        w = w->next;
    return w;
}

static int add(struct api_client *c, const char *service)
{
    size_t n = strlen(service) + 1;
    struct api_watch *w = find(c, service);
    if (!w && c->n_watches >= c->api->options.watches_max) {
        metric_inc(&c->api->metrics.watches_limited);
        return -E2BIG;
    }
    if (!w) {
        if (!(w = malloc(sizeof *w + n)))
            return -ENOMEM;
        memcpy(w->service, service, n);
        LL_PREPEND(c->watches, w);
        c->n_watches++;
    }
    w->seq = NEVER_TOLD;
    return 0;
}

static void stop(struct api_client *c, const char *service)
{
    struct api_watch *w = find(c, service);
    if (!w)
        return;
    LL_DELETE(c->watches, w);
    c->n_watches--;
    free(w);
}

void api_watch_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (service_parse(m->watch->service, domain, name) < 0) {
        api_client_send_error(c, m->id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST,
                              "service: not \"domain/service\" of two names, or the domain is reserved");
    } else if (m->watch->stop) {
        stop(c, m->watch->service);
    } else if (add(c, m->watch->service) < 0) {
        api_client_send_error(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT,
                              "this connection watches as many services as it may");
    } else {
        api_watch_check(c);
    }
}
