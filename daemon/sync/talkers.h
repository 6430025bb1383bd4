/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts write the most: so that one that floods has a name. Counts the last ten seconds in a fixed
 * number of slots, however many hosts there are: a host without one takes that of the quietest, and the rank
 * that one had (the Space-Saving algorithm: Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent
 * and Top-k Elements in Data Streams", 2005). So whoever writes more than a slot's share of everything has
 * one, and what is told of a host is never more than what it wrote.
 *
 * Pure; main thread; nothing fails.
 */
#ifndef SYNC_TALKERS_H
#define SYNC_TALKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/label.h"

#define TALKERS_SLOTS  64
#define TALKERS_SPAN_S 10

struct talker {
    uint64_t hash;
    char host[LABEL_CAP];
    uint32_t changes;                                                  /* of its own, in the last TALKERS_SPAN_S */
    uint32_t inherited;                                                /* with the slot: counts for its rank only */
    uint32_t changes_in[TALKERS_SPAN_S], inherited_in[TALKERS_SPAN_S]; /* each of those seconds */
    bool floods;
    uint32_t floods_s; /* for how long */
};

struct talkers {
    struct talker all[TALKERS_SLOTS];
    size_t n;
    unsigned second; /* which of the TALKERS_SPAN_S it is */
};

/* A host, whose name is a valid one or "", wrote something. */
void talkers_heard(struct talkers *t, const char *host);

/*
 * To be called once a second. Tells of each host that begins to write more than limit changes a second, of
 * that again every minute, and when it has come down to half of it.
 */
typedef void talker_floods_fn(void *arg, const struct talker *talker);
void talkers_second(struct talkers *t, uint32_t limit, talker_floods_fn *fn, void *arg);

/* The busiest ones, at most cap, with at least that many changes. Returns how many. */
size_t talkers_top(const struct talkers *t, uint32_t at_least, const struct talker **ret_top, size_t cap);

#endif
