/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgets a host that is gone, at an operator's word: its records and its lease are deleted from the buckets now, instead of
 * when their MaxAge is over, so every host drops them. Never a host that is alive, or this one. Main thread only.
 */
#ifndef REGISTRY_FORGET_H
#define REGISTRY_FORGET_H

#include <stdbool.h>

#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"

struct forget;

/* What it reaches; all stay the caller's. */
struct forget_reach {
    struct catalog *catalog;
    void *arg;
    int (*remove)(void *arg, enum bus_bucket bucket, const char *key, uint64_t token); /* as bus_delete */
    void (*done)(void *arg, const char *why); /* "": all is deleted; else why not */
};

/* -ENOMEM. */
int forget_new(const struct forget_reach *reach, struct forget **ret_f);
void forget_free(struct forget *f); /* NULL is fine */

/*
 * Begins to forget a host. done follows later, never from within this call. With *ret_why (static): -EINVAL: this host,
 * or no name; -ENOENT: not known; -EEXIST: it is alive; -EALREADY: another is being forgotten; -ENOBUFS, -ENOTCONN:
 * NATS takes nothing now; -ENOMEM.
 */
int forget_begin(struct forget *f, const char *host, const char **ret_why);

/* Takes the answer to a put. Returns false if that was none of the deletes made here. */
bool forget_published(struct forget *f, const struct bus_put_result *result);

#endif
