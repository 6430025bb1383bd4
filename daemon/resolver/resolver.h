/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps host names resolved: which to ask for when is names.h, asking is channel.h. Main thread; never
 * blocks.
 *
 * A name below one of our own zones is refused: it would be resolved by asking ourselves for what we learn
 * only by asking, and would go on vouching for itself when nothing else does.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include <event2/event.h>

#include "daemon/base/metrics.h"
#include "daemon/base/string_list.h"
#include "daemon/resolver/names.h"

struct resolver;

struct resolver_options {
    const struct string_list *servers; /* none: the system's */
    const struct string_list *zones;   /* our own; outlives the resolver */
    const bool *allow_loopback;        /* whether names may have such addresses; outlives it and may change */
    struct names_options names;
};

struct resolver_ops {
    void *arg;
    void (*resolved)(void *arg, const char *name, const struct addresses *address);
    void (*settled)(void *arg); /* after one or more of those, from the loop: may call the resolver */
};

/* Adds its counters to metrics. -EINVAL: the servers; -ENOMEM. */
int resolver_new(struct event_base *base, const struct resolver_options *options, const struct resolver_ops *ops,
                 struct metrics *metrics, struct resolver **ret_resolver);
void resolver_free(struct resolver *r);

/* A name that cannot be taken is said in the log, and counted. last: what it resolved to once. */
void resolver_add(struct resolver *r, const char *name, const struct addresses *last);
void resolver_remove(struct resolver *r, const char *name);

#endif
