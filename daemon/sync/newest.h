/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a bucket, each with the newest sequence that was heard of it: what else comes of them may be older. One thread.
 *
 * In it are hashes of keys, in a small table for a few of them, and then in one that has room for all it may have: so no
 * message takes longer than another, and the end does not, however many there are. A hash has 64 bits and a seed that no
 * peer knows, so that two keys are not taken for one.
 */
#ifndef SYNC_NEWEST_H
#define SYNC_NEWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct newest {
    struct newest_key *slots; /* NULL: there are no keys */
    size_t n, max, cap;       /* number of keys, their limit, number of slots */
};

/* An older sequence than there is counts for nothing. False when there are max keys already, or no memory. */
bool newest_add(struct newest *t, const char *key, size_t key_len, uint64_t seq);

/* The newest sequence of the key, 0 if there is none. */
uint64_t newest_seq(const struct newest *t, const char *key, size_t key_len);

void newest_clear(struct newest *t);

#endif
