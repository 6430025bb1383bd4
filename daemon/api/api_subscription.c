/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services a client wants to hear of, and when it is notified. A change is only noted; clients are notified in
 * turn, as many within a slice of the loop as there is time for, and none that has not taken what it was sent before. So
 * neither many subscribers, nor one that does not read, keep anybody waiting; and one that is notified late is notified
 * once of many changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/api/api_impl.h"

#define ENDED_AT_ONCE 64

/* --- subscribing --- */

static struct api_topic *find_topic(const struct api *api, const char *service)
{
    struct api_topic *t;
    HASH_FIND_STR(api->topics, service, t);
    return t;
}

static struct api_topic *topic_of(struct api *api, const char *service)
{
    struct api_topic *t = find_topic(api, service);
    if (t)
        return t;
    t = calloc(1, sizeof *t + strlen(service) + 1);
    if (!t)
        return NULL;
    strcpy(t->service, service);
    HASH_ADD_STR(api->topics, service, t);
    if (hash_added(&t->hh))
        return t;
    free(t);
    return NULL;
}

static void forget_if_unused(struct api *api, struct api_topic *t)
{
    for (int i = 0; i < API_INTERESTS; i++)
        if (t->subscriptions[i])
            return;
    HASH_DEL(api->topics, t);
    free(t->trace);
    free(t);
}

static struct api_subscription *find(const struct api_client *c, enum api_interest interest, struct api_topic *topic)
{
    struct api_subscription *s, wanted = {.key = {topic, interest}};
    HASH_FIND(hh, c->subscriptions, &wanted.key, sizeof wanted.key, s);
    return s;
}

static int take_share(struct api_client *c, enum api_interest interest, struct share **ret_share)
{
    if (c->n_subscriptions[interest] >= c->api->options.watches_max)
        return -E2BIG;
    struct share_owner owner = share_owner_user(c->peer.uid);
    return shares_take(&c->api->watch_shares, &owner, c->peer.may_register, ret_share);
}

/* Returns false without memory. */
static bool add(struct api_client *c, enum api_interest interest, struct api_topic *topic, struct api_subscription *s)
{
    s->client = c;
    s->key.topic = topic;
    s->key.interest = interest;
    HASH_ADD(hh, c->subscriptions, key, sizeof s->key, s);
    if (!hash_added(&s->hh))
        return false;
    DL_APPEND(topic->subscriptions[interest], s);
    c->n_subscriptions[interest]++;
    return true;
}

static int add_new(struct api_client *c, enum api_interest interest, struct api_topic *topic,
                   struct api_subscription **ret_subscription)
{
    struct api_subscription *s = calloc(1, sizeof *s);
    int err = s ? take_share(c, interest, &s->share) : -ENOMEM;
    if (err == 0 && !add(c, interest, topic, s)) {
        shares_give(&c->api->watch_shares, s->share);
        err = -ENOMEM;
    }
    if (err < 0) {
        free(s);
        return err;
    }
    *ret_subscription = s;
    return 0;
}

/* -E2BIG: the client has as many subscriptions as it may; -EDQUOT: its user has; -ENOSPC: all users have; -ENOMEM. */
static int subscribe(struct api_client *c, enum api_interest interest, const char *service,
                     struct api_subscription **ret_subscription)
{
    struct api_topic *topic = topic_of(c->api, service);
    if (!topic)
        return -ENOMEM;
    *ret_subscription = find(c, interest, topic);
    int err = *ret_subscription ? 0 : add_new(c, interest, topic, ret_subscription);
    if (err < 0)
        forget_if_unused(c->api, topic);
    return err;
}

static void stop_due(struct api_subscription *s)
{
    if (s->due)
        DL_DELETE2(s->client->due, s, prev_due, next_due);
    s->due = false;
}

static void drop(struct api_subscription *s)
{
    struct api_client *c = s->client;
    struct api_topic *topic = s->key.topic;
    stop_due(s);
    HASH_DEL(c->subscriptions, s);
    DL_DELETE(topic->subscriptions[s->key.interest], s);
    c->n_subscriptions[s->key.interest]--;
    shares_give(&c->api->watch_shares, s->share);
    forget_if_unused(c->api, topic);
    free(s);
}

static void unsubscribe(struct api_client *c, enum api_interest interest, const char *service)
{
    struct api_topic *topic = find_topic(c->api, service);
    struct api_subscription *s = topic ? find(c, interest, topic) : NULL;
    if (s)
        drop(s);
}

bool api_subscriptions_end_some(struct api_client *c)
{
    for (int n = 0; n < ENDED_AT_ONCE && c->subscriptions; n++)
        drop(c->subscriptions);
    return !c->subscriptions;
}

static const char *refusal(int err)
{
    switch (err) {
    case -ENOMEM:
        return "no memory";
    case -E2BIG:
        return "this connection watches or shares as many services as it may (limits.api_watches)";
    case -EDQUOT:
        return "this user watches or shares as many services as it may (limits.api_watches_per_uid)";
    default:
        return "as many services are watched or shared as may be (limits.api_watches_all)";
    }
}

struct api_subscription *api_subscribe(struct api_client *c, uint32_t id, enum api_interest interest,
                                       const char *service, bool stop)
{
    struct api_subscription *s = NULL;
    if (!api_check_service(c, id, service))
        return NULL;
    if (stop) {
        unsubscribe(c, interest, service);
        return NULL;
    }
    int err = subscribe(c, interest, service, &s);
    if (err < 0) {
        metric_add(&c->api->metrics.watches_limited, err != -ENOMEM);
        api_refuse(c, id, DISCOVER__V1__ERROR__CODE__LIMIT, refusal(err));
        return NULL;
    }
    api_subscription_due(s);
    return s;
}

/* --- whose turn it is --- */

void api_wait_for_turn(struct api_client *c)
{
    bool anything = c->due || c->moved;
    if (c->waiting || !anything || c->out || c->ended)
        return;
    c->waiting = true;
    DL_APPEND2(c->api->waiting, c, prev_waiting, next_waiting);
    loop_timer_arm(&c->api->deliver, 0, 0);
}

void api_stop_waiting(struct api_client *c)
{
    if (c->waiting)
        DL_DELETE2(c->api->waiting, c, prev_waiting, next_waiting);
    c->waiting = false;
}

void api_subscription_due(struct api_subscription *s)
{
    if (s->due)
        return;
    s->due = true;
    DL_APPEND2(s->client->due, s, prev_due, next_due);
    api_wait_for_turn(s->client);
}

/* Without memory the context is lost, and the change is delivered all the same. */
static bool note_trace(struct api_topic *topic, const struct trace_context *trace)
{
    if (!topic->trace && !(topic->trace = malloc(sizeof *topic->trace)))
        return false;
    *topic->trace = *trace;
    return true;
}

void api_topic_due(struct api *api, enum api_interest interest, const char *service, const struct trace_context *trace)
{
    struct api_topic *topic = find_topic(api, service);
    struct api_subscription *s;
    if (!topic)
        return;
    bool traced = trace && note_trace(topic, trace);
    DL_FOREACH(topic->subscriptions[interest], s)
    {
        s->traced |= traced;
        api_subscription_due(s);
    }
}

/*
 * A notification of a change is the service's name alone: the client reads the rest in the shared table. So a client that is
 * slow to read misses nothing when it is notified once of many changes.
 */
static void deliver_change(struct api_subscription *s)
{
    Discover__V1__Changed changed = DISCOVER__V1__CHANGED__INIT;
    char traceparent[TRACE_PARENT_CAP];
    changed.service = s->key.topic->service;
    if (s->traced) {
        trace_context_format(s->key.topic->trace, traceparent);
        changed.traceparent = traceparent;
        changed.tracestate = s->key.topic->trace->state;
    }
    s->traced = false;
    api_client_send(s->client, 0, DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED, &changed.base, -1);
}

static void deliver_moved(struct api_client *c)
{
    Discover__V1__TableMoved moved = DISCOVER__V1__TABLE_MOVED__INIT;
    api_client_send(c, 0, DISCOVER__V1__SERVER_MESSAGE__BODY_TABLE_MOVED, &moved.base,
                    c->api->ops.table_fd(c->api->ops.arg));
}

/* Sends one notification, which is all of a client's turn. */
static void deliver(struct api_client *c)
{
    struct api_subscription *s = c->due;
    if (c->moved) {
        c->moved = false;
        deliver_moved(c);
        return;
    }
    if (!s)
        return; /* it has ended the subscription that it waited for */
    stop_due(s);
    if (s->key.interest == API_CHANGES)
        deliver_change(s);
    else
        api_share_deliver(s);
}

void api_deliver(void *arg)
{
    struct api *api = arg;
    struct loop_slice slice = loop_slice_begin();
    api_enter(api);
    while (api->waiting && !loop_slice_over(&slice)) {
        struct api_client *c = api->waiting;
        api_stop_waiting(c);
        deliver(c);
        api_wait_for_turn(c);
    }
    if (api->waiting)
        loop_timer_arm(&api->deliver, 0, 0);
    api_exit(api);
}

/* --- changes --- */

void api_changed(struct api *api, const char *service, const struct trace_context *trace)
{
    api_topic_due(api, API_CHANGES, service, trace);
}

void api_changed_all(struct api *api)
{
    const struct api_topic *topic, *next;
    HASH_ITER(hh, api->topics, topic, next)
    {
        api_topic_due(api, API_CHANGES, topic->service, NULL);
    }
}

/* It is due at once: a change between this and the client's first look must not be missed. */
void api_watch_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    (void)api_subscribe(c, m->id, API_CHANGES, m->watch->service, m->watch->stop);
}
