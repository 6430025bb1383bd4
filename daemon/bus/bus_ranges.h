/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream's sequences, read by many requests at once: each of them is a chain, "the first message from here on", over
 * a range of its own. Most sequences of a bucket are of messages that are long overwritten, and nobody knows where the
 * others lie: so a chain that is through takes half of what is left of the longest range. Pure; any thread.
 */
#ifndef BUS_RANGES_H
#define BUS_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 256

struct bus_range {
    uint64_t next, last; /* what is left of it; nothing when next > last */
};

struct bus_ranges {
    size_t n;
    uint64_t end; /* behind the last of all */
    struct bus_range range[RANGES_MAX];
};

/* Everything from first to last (none when first > last), shared by n chains, at most RANGES_MAX, at least one. */
void bus_ranges_init(struct bus_ranges *ranges, uint64_t first, uint64_t last, size_t n);

/* Where chain i has to ask from; takes work from another when its own is done. False: there is none left to take. */
bool bus_ranges_next(struct bus_ranges *ranges, size_t i, uint64_t *ret_seq);

/*
 * The answer to chain i, which had asked from some sequence on: the first message is at seq. True when that is in its
 * range, and its own to take. When not there is nothing in between, in whoever's range: that is done, too.
 */
bool bus_ranges_found(struct bus_ranges *ranges, size_t i, uint64_t seq);

/* The answer to chain i: there is nothing from where it asked up to the end. */
void bus_ranges_nothing(struct bus_ranges *ranges, size_t i);

bool bus_ranges_done(const struct bus_ranges *ranges);

/* Everything below is read. */
uint64_t bus_ranges_read(const struct bus_ranges *ranges);

#endif
