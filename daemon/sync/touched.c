/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that changed on the live feed while a snapshot is read or a hole is open, each with its newest sequence. */
#include "daemon/sync/touched.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"

struct touched_key {
    UT_hash_handle hh;
    uint64_t seq;
    char key[];
};

static struct touched_key *find(const struct touched *t, const char *key, size_t key_len)
{
    struct touched_key *k;
    HASH_FIND(hh, t->keys, key, key_len, k);
    return k;
}

bool touched_add(struct touched *t, const char *key, size_t key_len, uint64_t seq)
{
    struct touched_key *k = find(t, key, key_len);
    if (!k) {
        k = HASH_COUNT(t->keys) < t->max ? malloc(sizeof *k + key_len) : NULL;
        if (!k)
            return false;
        memcpy(k->key, key, key_len);
        HASH_ADD_KEYPTR(hh, t->keys, k->key, key_len, k);
        if (!hash_added(&k->hh)) {
            free(k);
            return false;
        }
    }
    k->seq = seq;
    return true;
}

uint64_t touched_seq(const struct touched *t, const char *key, size_t key_len)
{
    const struct touched_key *k = find(t, key, key_len);
    return k ? k->seq : 0;
}

void touched_clear(struct touched *t)
{
    struct touched_key *k, *next;
    HASH_ITER(hh, t->keys, k, next)
    {
        HASH_DEL(t->keys, k);
        free(k);
    }
}
