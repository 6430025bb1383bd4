/* SPDX-License-Identifier: Apache-2.0 */
/* The states that operators have set for instances of this host. */
#include "daemon/agent/overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"

void overrides_fini(struct overrides *o)
{
    free(o->all);
}

static struct override *find(const struct overrides *o, const struct override *like)
{
    for (size_t i = 0; i < o->n; i++) {
        struct override *it = &o->all[i];
        if (strcmp(it->key.domain, like->key.domain) == 0 && strcmp(it->key.service, like->key.service) == 0 &&
            strcmp(it->key.instance, like->key.instance) == 0)
            return it;
    }
    return NULL;
}

int overrides_reserve(struct overrides *o, const struct override *override)
{
    if (find(o, override))
        return 0;
    return o->n < o->max ? array_grow(&o->all, o->n, &o->cap, sizeof *o->all) : -ENOSPC;
}

static void find_next_end(struct overrides *o)
{
    o->next_end_ns = INT64_MAX;
    for (size_t i = 0; i < o->n; i++) {
        const struct override *it = &o->all[i];
        if (it->grace_ms && !it->over && it->grace_end_ns < o->next_end_ns)
            o->next_end_ns = it->grace_end_ns;
    }
}

int overrides_set(struct overrides *o, const struct override *override)
{
    struct override *it = find(o, override);
    int err = it ? 0 : overrides_reserve(o, override);
    if (err < 0)
        return err;
    if (!it)
        it = &o->all[o->n++];
    *it = *override;
    find_next_end(o);
    return 0;
}

int overrides_find(const struct overrides *o, const struct override *override)
{
    const struct override *it = find(o, override);
    return it && it->state == override->state ? 0 : -ENOENT;
}

int overrides_end(struct overrides *o, const struct override *override)
{
    struct override *it = find(o, override);
    if (!it || it->state != override->state)
        return -ENOENT;
    *it = o->all[--o->n];
    find_next_end(o);
    return 0;
}

static uint8_t state_now(const struct override *override)
{
    if (!override->grace_ms)
        return override->state;
    return override->over ? DISCOVER_MAINTENANCE : DISCOVER_DRAINING;
}

const struct override *overrides_end_grace(struct overrides *o, int64_t now_ns)
{
    for (size_t i = 0; i < o->n && o->next_end_ns <= now_ns; i++) {
        struct override *it = &o->all[i];
        if (!it->grace_ms || it->over || it->grace_end_ns > now_ns)
            continue;
        it->over = true;
        find_next_end(o);
        return it;
    }
    return NULL;
}

static bool covers(const struct override *override, const struct instance_key *key)
{
    if (!override->key.service[0])
        return true;
    return strcmp(override->key.domain, key->domain) == 0 && strcmp(override->key.service, key->service) == 0 &&
           (!override->key.instance[0] || strcmp(override->key.instance, key->instance) == 0);
}

static int narrowness(const struct override *override)
{
    return override->key.instance[0] ? 3 : override->key.service[0] ? 2 : 1;
}

const struct override *overrides_for(const struct overrides *o, const struct instance_key *key)
{
    const struct override *best = NULL;
    for (size_t i = 0; i < o->n; i++) {
        const struct override *it = &o->all[i];
        if (covers(it, key) && (!best || narrowness(it) > narrowness(best)))
            best = it;
    }
    return best;
}

uint8_t overrides_state(const struct overrides *o, const struct instance_key *key)
{
    const struct override *it = overrides_for(o, key);
    return it ? state_now(it) : 0;
}
