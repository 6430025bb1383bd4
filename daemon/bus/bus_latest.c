/* SPDX-License-Identifier: Apache-2.0 */
/* The latest message of each key. */
#include "daemon/bus/bus_latest.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/hash.h"

#define SLOTS_MIN 1024

/* The hash's slot, or the free one where it belongs. There is a free one. */
static struct bus_latest_slot *slot_of(const struct bus_latest *l, uint64_t hash)
{
    size_t i = (size_t)hash & (l->cap - 1);
    while (l->slots[i].seq && l->slots[i].hash != hash)
        i = (i + 1) & (l->cap - 1);
    return &l->slots[i];
}

static int grow(struct bus_latest *l)
{
    struct bus_latest larger = {.n = l->n, .cap = l->cap ? 2 * l->cap : SLOTS_MIN};
    larger.slots = calloc(larger.cap, sizeof *larger.slots);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < l->cap; i++)
        if (l->slots[i].seq)
            *slot_of(&larger, l->slots[i].hash) = l->slots[i];
    free(l->slots);
    *l = larger;
    return 0;
}

int bus_latest_note(struct bus_latest *l, const char *key, size_t n, uint64_t seq)
{
    uint64_t hash = hash_bytes(key, n);
    if (l->n >= l->cap / 2 && grow(l) < 0)
        return -ENOMEM;
    struct bus_latest_slot *slot = slot_of(l, hash);
    l->n += slot->seq == 0;
    slot->hash = hash;
    slot->seq = seq > slot->seq ? seq : slot->seq;
    return 0;
}

bool bus_latest_is(const struct bus_latest *l, const char *key, size_t n, uint64_t seq)
{
    return l->cap == 0 || slot_of(l, hash_bytes(key, n))->seq <= seq;
}

void bus_latest_fini(struct bus_latest *l)
{
    free(l->slots);
    *l = (struct bus_latest){0};
}
