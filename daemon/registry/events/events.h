/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of this host and of others on their way to NATS: queued while NATS is away or there are too many of them, and
 * dropped beyond the limits. Nothing waits for them. Main thread only.
 */
#ifndef REGISTRY_EVENTS_H
#define REGISTRY_EVENTS_H

#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/documents/event.h"

struct events;

enum events_way {
    EVENTS_OPEN,
    EVENTS_SHUT,  /* for now: events wait */
    EVENTS_ENDED, /* no event is to be published: another host has our name */
};

/* What it reaches; all stay the caller's. */
struct events_reach {
    struct metrics *metrics;
    const struct config *config;
    void *arg;
    enum events_way (*way)(void *arg);
    int (*publish)(void *arg, const char *subject, const void *bytes, size_t n); /* as bus_publish */
};

/* -ENOMEM. */
int events_new(const struct events_reach *reach, struct events **ret_e);
void events_free(struct events *e); /* NULL is fine */

/*
 * Queues an event, whose strings are copied. publisher and region are filled in; so are host, time and id, where they
 * are not given.
 */
void events_report(struct events *e, const struct event *event);

/* Counts an event that was not even made, for want of room. */
void events_left_out(struct events *e);

/* Whether events are published at all: if not, none need be made. NULL is fine. */
bool events_wanted(const struct events *e);

/* Publishes what is due. Returns when to call again; INT64_MAX: when something else has happened. */
int64_t events_tick(struct events *e, int64_t now_ns);

/* Publishes all that waits, as far as it can be: at the end of the daemon. */
void events_flush(struct events *e);

#endif
