/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts write the most: so that one that floods has a name. Counts the last ten seconds in a fixed
 * number of slots, however many hosts there are: a host without one takes that of the quietest, and the rank
 * that one had (the Space-Saving algorithm: Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent
 * and Top-k Elements in Data Streams", 2005). So whoever writes more than a slot's share of everything has
 * one, and what is reported of a host is never more than what it wrote.
 *
 * Pure; main thread; nothing fails.
 */
#ifndef SYNC_TOP_WRITERS_H
#define SYNC_TOP_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/label.h"

#define TOP_WRITERS_SLOTS  64
#define TOP_WRITERS_SPAN_S 10

struct top_writer {
    uint64_t hash;
    char host[LABEL_CAP];
    uint32_t changes;   /* of its own, in the last TOP_WRITERS_SPAN_S */
    uint32_t inherited; /* with the slot: counts for its rank only */
    uint32_t changes_in[TOP_WRITERS_SPAN_S], inherited_in[TOP_WRITERS_SPAN_S]; /* each of those seconds */
    bool floods;
    uint32_t floods_s; /* for how long */
};

struct top_writers {
    struct top_writer all[TOP_WRITERS_SLOTS];
    size_t n;
    unsigned second; /* which of the TOP_WRITERS_SPAN_S it is */
};

/* A host, whose name is a valid one or "", wrote something. Returns its changes in the last TOP_WRITERS_SPAN_S. */
uint32_t top_writers_heard(struct top_writers *t, const char *host);

/*
 * To be called once a second. Tells of each host that begins to write more than limit changes a second, of
 * that again every minute, and when it has come down to half of it.
 */
typedef void top_writer_floods_fn(void *arg, const struct top_writer *writer);
void top_writers_second(struct top_writers *t, uint32_t limit, top_writer_floods_fn *fn, void *arg);

/* The busiest ones, at most cap, with at least that many changes. Returns how many. */
size_t top_writers_top(const struct top_writers *t, uint32_t at_least, const struct top_writer **ret_top, size_t cap);

#endif
