/* SPDX-License-Identifier: Apache-2.0 */
/* What the bucket is seen to hold under the keys of this host: our own echoes, and what is not ours. */
#include <errno.h>
#include <string.h>

#include "daemon/agent/publisher_impl.h"
#include "libdiscover/core/clock.h"

#define ECHO_PAUSE_NS NS_PER_S         /* how far the live feed may lag behind acknowledgements */
#define PUT_BACK_NS   (20 * NS_PER_MS) /* between two puts of a key that somebody else keeps writing to */

void publisher_put_back(struct publisher *w, struct entry *e, int64_t now_ns)
{
    int64_t soonest_ns = e->token ? e->sent_ns + PUT_BACK_NS : now_ns;
    w->stats.put_back++;
    publisher_set_status(w, e, WAITING, soonest_ns > now_ns ? soonest_ns : now_ns);
}

/* Not wanted, yet stored: it gets a version of its own for the delete to come. */
static struct entry *add_strange(struct publisher *w, const struct instance_key *key)
{
    if (HASH_COUNT(w->by_key) >= w->options.keys_max)
        return NULL;
    struct entry *e = publisher_find_or_add(w, key);
    if (e)
        e->version.counter = ++w->counter;
    return e;
}

static struct version version_of(const struct agent_seen *seen)
{
    const struct record *r = seen->record;
    return r ? (struct version){r->epoch, r->counter} : (struct version){0, 0};
}

/* A version that we have not given, or other contents under one that we have. */
static bool is_forged(const struct entry *e, const struct agent_seen *seen)
{
    struct version version = version_of(seen);
    if (!seen->record || !e->value || version.epoch != e->version.epoch)
        return false;
    if (version.counter != e->version.counter)
        return version.counter > e->version.counter;
    return seen->bytes && (seen->n != e->n || memcmp(seen->bytes, e->value, e->n) != 0);
}

/* Readers go by versions: what we want must be newer than what was forged. */
static void go_above(struct publisher *w, struct entry *e, uint64_t counter)
{
    struct record record;
    const char *why;
    if (record_decode(e->value, e->n, &record, &why) < 0) /* we encoded it */
        return;
    if (w->counter < counter)
        w->counter = counter;
    record.counter = w->counter + 1;
    if (publisher_set_value(e, &record) < 0) /* no memory: with the next observation */
        return;
    e->version.counter = ++w->counter;
}

/* What is wanted is vouched for whatever others do to the key; what is not wanted, as long as it is there. */
static void vouch_for(struct publisher *w, struct entry *e, const struct agent_seen *seen)
{
    if (e->value || e->kept ? seen->record && !e->vouched.epoch : !seen->alien)
        publisher_vouch(w, e, version_of(seen));
}

static void take(struct publisher *w, struct entry *e, const struct agent_seen *seen)
{
    bool forged = is_forged(e, seen);
    e->seq = e->crossed_seq = seen->seq;
    e->snapshot = w->snapshot;
    e->stored = version_of(seen);
    e->alien = seen->alien;
    vouch_for(w, e, seen);
    if (forged)
        go_above(w, e, seen->record->counter);
    publisher_recount(w, e);
}

void publisher_observed(struct publisher *w, const struct instance_key *key, const struct agent_seen *seen,
                        int64_t now_ns)
{
    struct entry *e = publisher_find(w, key);
    /* The entry of what we have deleted is gone: what came before that may still be on its way to us. */
    struct version version = version_of(seen);
    bool late = !e && seen->record && version.epoch == w->epoch && version.counter <= w->counter;
    if (!e && (seen->record || seen->alien))
        e = add_strange(w, key);
    if (!e || seen->seq < e->seq) /* an echo of what has been overwritten since */
        return;
    take(w, e, seen);
    if (e->status == FLYING)
        return;
    if (publisher_settled(e))
        publisher_aim(w, e, now_ns);
    else if (late)
        publisher_set_status(w, e, WAITING, now_ns + ECHO_PAUSE_NS);
    else if (e->status == NEW || e->status == IDLE)
        publisher_put_back(w, e, now_ns);
}

void publisher_snapshot_begin(struct publisher *w)
{
    w->snapshot++;
}

static void is_missing(struct publisher *w, struct entry *e, int64_t now_ns)
{
    e->seq = 0; /* the bucket may be another one */
    e->stored = (struct version){0, 0};
    e->alien = false;
    if (!e->value && !e->kept)
        publisher_vouch(w, e, e->stored);
    publisher_recount(w, e);
    if (e->status == FLYING)
        return;
    e->unsure = false;
    publisher_aim(w, e, now_ns);
}

void publisher_snapshot_end(struct publisher *w, int64_t now_ns)
{
    struct entry *e, *next;
    HASH_ITER(hh, w->by_key, e, next)
    {
        if ((e->stored.epoch || e->alien) && e->snapshot != w->snapshot)
            is_missing(w, e, now_ns);
    }
    publisher_pump(w, now_ns);
}
