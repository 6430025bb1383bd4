/* SPDX-License-Identifier: Apache-2.0 */
/* The table of events, and how they look over NATS. */
#include "daemon/documents/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/documents/documents.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

static const struct event_row {
    const char *word;
    enum { OF_INSTANCE, OF_HOST, OF_GUARD, OF_RETURN, OF_FAILOVER } of; /* what its document has, whatever the values */
    const char *help;
} rows[EVENT_TYPES] = {
    [EVENT_INSTANCE_UP] = {"instance-up", OF_INSTANCE, "an instance is registered"},
    [EVENT_INSTANCE_DOWN] = {"instance-down", OF_INSTANCE,
                             "an instance is gone: deregistered, or its process has ended"},
    [EVENT_INSTANCE_STATE] = {"instance-state", OF_INSTANCE, "an instance has another state"},
    [EVENT_HOST_UP] = {"host-up", OF_HOST, "a host is new, or is back"},
    [EVENT_HOST_LEFT] = {"host-left", OF_HOST, "a host has said good-bye"},
    [EVENT_HOST_LOST] = {"host-lost", OF_HOST, "a host's lease has run out, and nothing was heard of it"},
    [EVENT_HOST_HELD] = {"host-held", OF_HOST, "the same, but the guard against a mass loss keeps it"},
    [EVENT_HOST_CONFLICT] = {"host-conflict", OF_HOST,
                             "two live hosts have one name: the one that publishes it keeps it"},
    [EVENT_GUARD_ON] = {"guard-on", OF_GUARD, "so many hosts fell silent together that they are kept"},
    [EVENT_GUARD_OFF] = {"guard-off", OF_GUARD, "none is kept any more"},
    [EVENT_BUS_LOST] = {"bus-lost", OF_HOST, "a host has lost NATS; published when it is back"},
    [EVENT_BUS_BACK] = {"bus-back", OF_RETURN, "a host has NATS again"},
    [EVENT_REGION_LOST] = {"region-lost", OF_HOST,
                           "another region is not heard any more: what is known of it is stale"},
    [EVENT_REGION_BACK] = {"region-back", OF_RETURN, "another region is live again"},
    [EVENT_FAILOVER_BEGUN] = {"failover-begun", OF_FAILOVER, "another region answers for a service from now on"},
    [EVENT_FAILOVER_ENDED] = {"failover-ended", OF_FAILOVER, "the own region answers for a service again"},
};

const char *event_type_word(enum event_type type)
{
    return rows[type].word;
}

const char *event_type_help(enum event_type type)
{
    return rows[type].help;
}

int event_type_of_word(const char *word, enum event_type *ret_type)
{
    for (int i = 0; i < EVENT_TYPES; i++)
        if (strcmp(rows[i].word, word) == 0) {
            *ret_type = (enum event_type)i;
            return 0;
        }
    return -EINVAL;
}

void event_subject(const struct event *e, char ret_subject[static EVENT_SUBJECT_CAP])
{
    bool of_service = rows[e->type].of == OF_INSTANCE || rows[e->type].of == OF_FAILOVER;
    snprintf(ret_subject, EVENT_SUBJECT_CAP, "discover.%s.event.%s.%s.%s.%s", e->region, e->publisher,
             of_service ? e->domain : "_", of_service ? e->service : "_", rows[e->type].word);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        (void)json_object_set_new(object, name, document_string(text));
}

static void set_service(json_t *object, const struct event *e)
{
    char service[SERVICE_CAP];
    service_format(e->domain, e->service, service);
    set_text(object, "service", service);
}

static void set_instance(json_t *object, const struct event *e)
{
    set_service(object, e);
    set_text(object, "instance", e->instance);
    set_text(object, "state", state_word(e->state));
    if (e->was)
        set_text(object, "was", state_word(e->was));
    if (e->port)
        (void)json_object_set_new(object, "port", json_integer(e->port));
}

static void set_failover(json_t *object, const struct event *e)
{
    set_service(object, e);
    set_text(object, "answers", e->answers);
    set_text(object, "answered", e->answered);
}

json_t *event_document(const struct event *e)
{
    char id[17], time[CLOCK_TEXT_CAP];
    snprintf(id, sizeof id, "%016" PRIx64, e->id);
    json_t *object = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "type", rows[e->type].word, "id", id, "time_ms",
                               (json_int_t)e->time_ms, "region", e->region, "publisher", e->publisher, "host", e->host);
    clock_wall_text(e->time_ms, time);
    set_text(object, "time", time);
    if (rows[e->type].of == OF_INSTANCE)
        set_instance(object, e);
    if (rows[e->type].of == OF_FAILOVER)
        set_failover(object, e);
    if (e->instances)
        (void)json_object_set_new(object, "instances", json_integer((json_int_t)e->instances));
    if (rows[e->type].of == OF_GUARD)
        (void)json_object_set_new(object, "held", json_integer((json_int_t)e->held));
    if (rows[e->type].of == OF_RETURN)
        (void)json_object_set_new(object, "lost_ms", json_integer(e->lost_ms));
    set_text(object, "other_region", e->other_region);
    if (e->addresses)
        document_set_addresses(object, e->addresses->families, e->addresses->ipv4, e->addresses->ipv6);
    set_text(object, "reason", e->reason);
    set_text(object, "traceparent", e->traceparent);
    set_text(object, "tracestate", e->tracestate);
    return object;
}
