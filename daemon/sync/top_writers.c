/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts that write most: a fixed number of slots, in which a new host inherits the count of the least busy one. */
#include "daemon/sync/top_writers.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/hash.h"

#define REMIND_S 60

static struct top_writer *slot_of(struct top_writers *t, uint64_t hash)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->all[i].hash == hash)
            return &t->all[i];
    return NULL;
}

static uint32_t rank(const struct top_writer *writer)
{
    return writer->changes + writer->inherited;
}

static struct top_writer *quietest(struct top_writers *t)
{
    struct top_writer *found = &t->all[0];
    for (size_t i = 1; i < t->n; i++)
        if (rank(&t->all[i]) < rank(found))
            found = &t->all[i];
    return found;
}

static struct top_writer *take_slot(struct top_writers *t, uint64_t hash, const char *host)
{
    struct top_writer *slot;
    uint32_t inherited = 0;
    if (t->n < TOP_WRITERS_SLOTS) {
        slot = &t->all[t->n++];
    } else {
        slot = quietest(t);
        inherited = rank(slot);
    }
    *slot = (struct top_writer){.hash = hash, .inherited = inherited};
    slot->inherited_in[t->second] = inherited;
    snprintf(slot->host, sizeof slot->host, "%s", host);
    return slot;
}

uint32_t top_writers_heard(struct top_writers *t, const char *host)
{
    uint64_t hash = hash_bytes(host, strlen(host));
    struct top_writer *slot = slot_of(t, hash);
    if (!slot)
        slot = take_slot(t, hash, host);
    slot->changes_in[t->second]++;
    return ++slot->changes;
}

/* Looks at one writer. Returns whether there is something to be reported of it. */
static bool look(struct top_writer *writer, uint32_t limit)
{
    uint32_t per_second = writer->changes / TOP_WRITERS_SPAN_S;
    bool floods = per_second > (writer->floods ? limit / 2 : limit);
    bool news = floods != writer->floods;
    writer->floods_s = floods ? writer->floods_s + 1 : 0;
    writer->floods = floods;
    return news || (floods && writer->floods_s % REMIND_S == 0);
}

/* A second that is TOP_WRITERS_SPAN_S old counts no more. */
static void forget(struct top_writer *writer, unsigned second)
{
    writer->changes -= writer->changes_in[second];
    writer->inherited -= writer->inherited_in[second];
    writer->changes_in[second] = writer->inherited_in[second] = 0;
}

void top_writers_second(struct top_writers *t, uint32_t limit, top_writer_floods_fn *fn, void *arg)
{
    t->second = (t->second + 1) % TOP_WRITERS_SPAN_S;
    for (size_t i = t->n; i-- > 0;) {
        struct top_writer *writer = &t->all[i];
        if (look(writer, limit))
            fn(arg, writer);
        forget(writer, t->second);
        if (rank(writer) == 0 && !writer->floods)
            *writer = t->all[--t->n];
    }
}

size_t top_writers_top(const struct top_writers *t, uint32_t at_least, const struct top_writer **ret_top, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct top_writer *writer = &t->all[i];
        if (writer->changes < at_least)
            continue;
        size_t at = n < cap ? n++ : cap; /* sorted in: the last one falls off the end */
        for (; at > 0 && ret_top[at - 1]->changes < writer->changes; at--)
            if (at < cap)
                ret_top[at] = ret_top[at - 1];
        if (at < cap)
            ret_top[at] = writer;
    }
    return n;
}
