/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be told of this host and others, on its way to NATS: kept while NATS is away or there is too much of it, and
 * dropped beyond the limits. Nothing waits for it. Main thread only.
 */
#ifndef REGISTRY_EVENTS_H
#define REGISTRY_EVENTS_H

#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/documents/event.h"

struct events;

enum events_way {
    EVENTS_OPEN,
    EVENTS_SHUT,  /* for now: what is told waits */
    EVENTS_ENDED, /* nobody is to hear of it: another host has our name */
};

/* What it reaches; all stay the caller's. */
struct events_reach {
    struct metrics *metrics;
    const struct config *config;
    void *arg;
    enum events_way (*way)(void *arg);
    int (*say)(void *arg, const char *subject, const void *bytes, size_t n); /* as bus_say */
};

/* -ENOMEM. */
int events_new(const struct events_reach *reach, struct events **ret_e);
void events_free(struct events *e); /* NULL is fine */

/*
 * Tells one. publisher and region are filled in; so are host, time and id, where they are not given. Returns false where
 * the event is dropped.
 */
bool events_tell(struct events *e, const struct event *event);

/* One is not even made, for want of room: counts it. */
void events_left_out(struct events *e);

/* Whether events are told at all: else nobody need make any. NULL is fine. */
bool events_wanted(const struct events *e);

/* Since 1970: for the time of an event. */
int64_t events_wall_ms(void);

/* Publishes what is due. Returns when to call again; INT64_MAX: when something else has happened. */
int64_t events_tick(struct events *e, int64_t now_ns);

/* All that waits goes out, as far as it can: at the end. */
void events_flush(struct events *e);

#endif
