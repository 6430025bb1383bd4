/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which message of each key is the latest, of a stream that keeps more than one: what is older is no longer true, and
 * direct gets tell it all the same, in any order. Keys are known by a hash with this process's seed. Reader thread.
 */
#ifndef BUS_LATEST_H
#define BUS_LATEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus_latest_slot {
    uint64_t hash, seq; /* seq 0: free */
};

/* {0} is an empty one. */
struct bus_latest {
    struct bus_latest_slot *slots;
    size_t n, cap;
};

/* A message of the key was found. -ENOMEM: it is not noted. */
int bus_latest_note(struct bus_latest *l, const char *key, size_t n, uint64_t seq);

/* Whether no later message of the key was noted. */
bool bus_latest_is(const struct bus_latest *l, const char *key, size_t n, uint64_t seq);

void bus_latest_fini(struct bus_latest *l);

#endif
