/* SPDX-License-Identifier: Apache-2.0 */
/* The busiest hosts, in a few slots. */
#include "daemon/sync/talkers.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define REMIND_S 60

static struct talker *slot_of(struct talkers *t, uint64_t hash)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->all[i].hash == hash)
            return &t->all[i];
    return NULL;
}

static uint32_t rank(const struct talker *talker)
{
    return talker->changes + talker->inherited;
}

static struct talker *quietest(struct talkers *t)
{
    struct talker *found = &t->all[0];
    for (size_t i = 1; i < t->n; i++)
        if (rank(&t->all[i]) < rank(found))
            found = &t->all[i];
    return found;
}

static struct talker *take_slot(struct talkers *t, uint64_t hash, const char *host)
{
    struct talker *slot;
    uint32_t inherited = 0;
    if (t->n < TALKERS_SLOTS) {
        slot = &t->all[t->n++];
    } else {
        slot = quietest(t);
        inherited = rank(slot);
    }
    *slot = (struct talker){.hash = hash, .inherited = inherited};
    slot->inherited_in[t->second] = inherited;
    snprintf(slot->host, sizeof slot->host, "%s", host);
    return slot;
}

void talkers_heard(struct talkers *t, const char *host)
{
    uint64_t hash = XXH3_64bits(host, strlen(host));
    struct talker *slot = slot_of(t, hash);
    if (!slot)
        slot = take_slot(t, hash, host);
    slot->changes++;
    slot->changes_in[t->second]++;
}

/* Whether there is something to be told. */
static bool look(struct talker *talker, uint32_t limit)
{
    uint32_t per_second = talker->changes / TALKERS_SPAN_S;
    bool floods = per_second > (talker->floods ? limit / 2 : limit);
    bool news = floods != talker->floods;
    talker->floods_s = floods ? talker->floods_s + 1 : 0;
    talker->floods = floods;
    return news || (floods && talker->floods_s % REMIND_S == 0);
}

/* A second that is TALKERS_SPAN_S old counts no more. */
static void forget(struct talker *talker, unsigned second)
{
    talker->changes -= talker->changes_in[second];
    talker->inherited -= talker->inherited_in[second];
    talker->changes_in[second] = talker->inherited_in[second] = 0;
}

void talkers_second(struct talkers *t, uint32_t limit, talker_floods_fn *fn, void *arg)
{
    t->second = (t->second + 1) % TALKERS_SPAN_S;
    for (size_t i = t->n; i-- > 0;) {
        struct talker *talker = &t->all[i];
        if (look(talker, limit))
            fn(arg, talker);
        forget(talker, t->second);
        if (rank(talker) == 0 && !talker->floods)
            *talker = t->all[--t->n];
    }
}

size_t talkers_top(const struct talkers *t, uint32_t at_least, const struct talker **ret_top, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct talker *talker = &t->all[i];
        if (talker->changes < at_least)
            continue;
        size_t at = n < cap ? n++ : cap; /* sorted in: the last one falls off the end */
        for (; at > 0 && ret_top[at - 1]->changes < talker->changes; at--)
            if (at < cap)
                ret_top[at] = ret_top[at - 1];
        if (at < cap)
            ret_top[at] = talker;
    }
    return n;
}
