/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that changed through the live feed while a snapshot is being read or a hole is open, each with its newest
 * sequence: what else comes of them may be older. Pure; main thread.
 *
 * In it are hashes of keys, in a small table for the few of an everyday hole, and then in one that has room for all it may
 * have: so no message takes longer than another, and the end does not, however many there are. A hash has 64 bits and a seed
 * that no peer knows, so that two keys are not taken for one.
 */
#ifndef SYNC_TOUCHED_H
#define SYNC_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct touched {
    struct touched_key *slots; /* NULL: nothing changed */
    size_t n, max, cap;        /* number of keys, their limit, number of slots */
};

/* False when there are max keys already, or no memory. */
bool touched_add(struct touched *t, const char *key, size_t key_len, uint64_t seq);

/* The newest sequence of the key, 0 if it did not change. */
uint64_t touched_seq(const struct touched *t, const char *key, size_t key_len);

void touched_clear(struct touched *t);

#endif
