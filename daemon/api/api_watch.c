/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which clients watch which services. A notification of a change is the service's name alone: the client reads the rest
 * in the shared table. So a client that is slow to read misses nothing when it is notified once of many changes.
 */
#include "daemon/api/api_impl.h"

void api_watch_deliver(struct api_subscription *s)
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

void api_changed(struct api *api, const char *service, const struct trace_context *trace)
{
    if (trace)
        api_topic_traced(api, service, trace);
    api_topic_due(api, API_CHANGES, service);
}

void api_changed_all(struct api *api)
{
    const struct api_topic *topic, *next;
    HASH_ITER(hh, api->topics, topic, next)
    {
        api_topic_due(api, API_CHANGES, topic->service);
    }
}

void api_watch_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const char *service = m->watch->service;
    struct api_subscription *s;
    if (!api_check_service(c, m->id, service))
        return;
    if (m->watch->stop) {
        api_unsubscribe(c, API_CHANGES, service);
        return;
    }
    int err = api_subscribe(c, API_CHANGES, service, &s);
    if (err < 0)
        api_refuse(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT, api_subscription_refused(c->api, err));
    else
        api_subscription_due(s); /* a change between this and the client's first look must not be missed */
}
