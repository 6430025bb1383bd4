/* SPDX-License-Identifier: Apache-2.0 */
/* Takes what is seen in the bucket under the keys of this host: its own puts coming back, and what others wrote there. */
#include <string.h>

#include "daemon/agent/publisher_impl.h"
#include "libdiscover/core/clock.h"

#define ECHO_PAUSE_NS     NS_PER_S /* how far the live feed may lag behind acknowledgements */
#define KEYS_PER_INSTANCE 2        /* that this host may have: of more keys, those that are strange are ignored */

/* Adds a key that is stored and not wanted, with a version for the delete to come. */
static struct entry *add_strange(struct publisher *p, const struct instance_key *key)
{
    if (HASH_COUNT(p->by_key) >= KEYS_PER_INSTANCE * p->options->instances_max)
        return NULL;
    struct entry *e = publisher_find_or_add(p, key);
    if (e)
        e->version.counter = ++p->counter;
    return e;
}

static struct version version_of(const struct agent_seen *seen)
{
    const struct record *r = seen->record;
    return r ? (struct version){r->epoch, r->counter} : (struct version){0, 0};
}

/* Whether the value has a version that we have not given, or other contents under one that we have. */
static bool is_forged(const struct entry *e, const struct agent_seen *seen)
{
    struct version version = version_of(seen);
    if (!seen->record || !e->value || version.epoch != e->version.epoch)
        return false;
    if (version.counter != e->version.counter)
        return version.counter > e->version.counter;
    uint8_t bytes[RECORD_WIRE_MAX];
    return seen->bytes && (seen->n != publisher_value(e, bytes) || memcmp(seen->bytes, bytes, seen->n) != 0);
}

/* Gives the wanted value a version above a forged one, as other hosts go by versions. */
static void go_above(struct publisher *p, struct entry *e, uint64_t counter)
{
    if (p->counter < counter)
        p->counter = counter;
    e->version.counter = ++p->counter;
}

/* A wanted value is vouched for whatever others do to its key; one that is not wanted, as long as it is stored. */
static void vouch_for(struct publisher *p, struct entry *e, const struct agent_seen *seen)
{
    if (e->value || e->retained ? seen->record && !e->vouched.epoch : !seen->alien)
        publisher_vouch(p, e, version_of(seen));
}

static void take(struct publisher *p, struct entry *e, const struct agent_seen *seen)
{
    bool forged = is_forged(e, seen);
    e->seq = e->crossed_seq = seen->seq;
    e->snapshot = p->snapshot;
    e->stored = version_of(seen);
    e->alien = seen->alien;
    vouch_for(p, e, seen);
    if (forged)
        go_above(p, e, seen->record->counter);
    publisher_recount(p, e);
}

void publisher_observed(struct publisher *p, const struct instance_key *key, const struct agent_seen *seen,
                        int64_t now_ns)
{
    struct entry *e = publisher_find(p, key);
    /* A deleted key has no entry any more: values put before the delete may still be on their way to us. */
    struct version version = version_of(seen);
    bool late = !e && seen->record && version.epoch == p->epoch && version.counter <= p->counter;
    if (!e && (seen->record || seen->alien))
        e = add_strange(p, key);
    if (!e || seen->seq < e->seq) /* an echo of a value that has been overwritten since */
        return;
    take(p, e, seen);
    if (e->status == FLYING)
        return;
    if (publisher_settled(e))
        publisher_aim(p, e, now_ns);
    else if (late)
        publisher_set_status(p, e, WAITING, now_ns + ECHO_PAUSE_NS);
    else if (e->status == NEW || e->status == IDLE)
        publisher_put_back(p, e, now_ns);
}

void publisher_snapshot_begin(struct publisher *p)
{
    p->snapshot++;
}

static void is_missing(struct publisher *p, struct entry *e, int64_t now_ns)
{
    e->seq = 0; /* the bucket may be another one: its sequences begin anew */
    e->stored = (struct version){0, 0};
    e->alien = false;
    if (!e->value && !e->retained)
        publisher_vouch(p, e, e->stored);
    publisher_recount(p, e);
    if (e->status == FLYING)
        return;
    e->unsure = false;
    publisher_aim(p, e, now_ns);
}

void publisher_snapshot_end(struct publisher *p, int64_t now_ns)
{
    struct entry *e, *next;
    HASH_ITER(hh, p->by_key, e, next)
    {
        if ((e->stored.epoch || e->alien) && e->snapshot != p->snapshot)
            is_missing(p, e, now_ns);
        else if (e->status == WAITING && e->failed) /* the bucket can be read again, so puts may be taken again, too */
            publisher_set_status(p, e, QUEUED, INT64_MAX);
    }
    publisher_pump(p, now_ns);
}
