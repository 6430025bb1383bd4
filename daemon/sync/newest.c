/* SPDX-License-Identifier: Apache-2.0 */
/* A set of keys by their hashes: open addressing with linear probing, at most half full. */
#include "daemon/sync/newest.h"

#include <stdlib.h>

#include "daemon/base/hash.h"

struct newest_key {
    uint64_t hash, seq; /* seq 0: free */
};

#define FEW 128 /* keys of a small table */

static size_t slots_for(size_t max)
{
    size_t n = 2 * FEW;
    while (n < 2 * max)
        n *= 2;
    return n;
}

/* Where the key is, or would be. */
static struct newest_key *place_of(const struct newest *t, uint64_t hash)
{
    size_t at = hash & (t->cap - 1);
    while (t->slots[at].seq && t->slots[at].hash != hash)
        at = (at + 1) & (t->cap - 1);
    return &t->slots[at];
}

/* Makes room for one more key: a full small table moves into one for the maximum. */
static bool make_room(struct newest *t)
{
    struct newest before = *t;
    if (t->n < t->cap / 2)
        return true;
    t->cap = slots_for(t->n < FEW ? 0 : t->max);
    t->slots = calloc(t->cap, sizeof *t->slots);
    if (!t->slots) {
        *t = before;
        return false;
    }
    for (size_t i = 0; i < before.cap; i++)
        if (before.slots[i].seq)
            *place_of(t, before.slots[i].hash) = before.slots[i];
    free(before.slots);
    return true;
}

bool newest_add(struct newest *t, const char *key, size_t key_len, uint64_t seq)
{
    uint64_t hash = hash_bytes(key, key_len);
    struct newest_key *k = t->slots ? place_of(t, hash) : NULL;
    if (!k || !k->seq) {
        if (t->n == t->max || !make_room(t))
            return false;
        k = place_of(t, hash);
        t->n++;
    }
    k->hash = hash;
    k->seq = seq > k->seq ? seq : k->seq;
    return true;
}

uint64_t newest_seq(const struct newest *t, const char *key, size_t key_len)
{
    return t->slots ? place_of(t, hash_bytes(key, key_len))->seq : 0;
}

void newest_clear(struct newest *t)
{
    free(t->slots);
    t->slots = NULL;
    t->n = t->cap = 0;
}
