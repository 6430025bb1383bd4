/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that changed through the live feed while a snapshot is being read, each with its newest sequence. What
 * the snapshot says of them may be older. Pure; main thread.
 */
#ifndef SYNC_TOUCHED_H
#define SYNC_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct touched_key;

struct touched {
    struct touched_key *keys;
    size_t max;
};

/* False when there are max keys already, or no memory. */
bool touched_add(struct touched *t, const char *key, size_t key_len, uint64_t seq);

/* The newest sequence of the key, 0 if it did not change. */
uint64_t touched_seq(const struct touched *t, const char *key, size_t key_len);

void touched_clear(struct touched *t);

#endif
