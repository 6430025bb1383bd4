/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps host names resolved: which to ask for when is names.h. Main thread; never blocks.
 *
 * Names are taken as they are, fully qualified: no search list. Without servers of our own those of resolv.conf are asked
 * (which is read again when it has changed), and the hosts file before them.
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
    const struct string_list *servers; /* empty: the system's */
    const struct string_list *zones;   /* our own zones; outlives the resolver */
    /* whether names may have loopback addresses; outlives the resolver, and may change */
    const bool *allow_loopback;
    struct names_options names;
};

struct resolver_ops {
    void *arg;
    void (*resolved)(void *arg, const char *name, const struct addresses *address);
    void (*settled)(void *arg); /* called from the loop, after one or more changes: may call the resolver */
};

/* Adds its counters to metrics. -EINVAL: c-ares does not take the servers; -ENOMEM. */
int resolver_new(struct event_base *base, const struct resolver_options *options, const struct resolver_ops *ops,
                 struct metrics *metrics, struct resolver **ret_resolver);
void resolver_free(struct resolver *r);

/*
 * Adds a name; last: what it resolved to before; without families: not known. Returns false when there is no room for it now. A
 * name that cannot be taken is logged and counted.
 */
bool resolver_add(struct resolver *r, const char *name, const struct addresses *last);
void resolver_remove(struct resolver *r, const char *name);

#endif
