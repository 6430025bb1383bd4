/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of foreign writers in the catalog. They come without a lease and live for the TTL they name.
 *
 * What happens to all of them at once (time that does not count, an outage, its end) is noted once, and taken into account
 * when one of them is looked at: there may be hundreds of thousands.
 */
#include <errno.h>
#include <stddef.h>

#include "daemon/catalog/model.h"

#define EXPIRE_MAX 128 /* in one call: some 0.1 ms, and more where none of it is in the caches */

static struct instance *instance_of(struct deadline *d)
{
    return (struct instance *)((char *)d - offsetof(struct instance, expiry));
}

bool foreign_is_frozen(const struct catalog *c, const struct instance *i)
{
    return i->ttl_ns && c->foreign.frozen && i->outages < c->foreign.outages;
}

static int64_t due_ns(const struct catalog *c, const struct instance *i)
{
    return i->outages < c->foreign.extended ? c->foreign.extended_ns + i->ttl_ns : i->due_ns;
}

int64_t foreign_expires_ns(const struct catalog *c, const struct instance *i)
{
    return i->ttl_ns ? due_ns(c, i) + c->foreign.behind_ns : 0;
}

void foreign_arrived(const struct catalog *c, struct instance *i, int64_t ttl_ns, int64_t expires_ns)
{
    i->ttl_ns = ttl_ns;
    i->due_ns = expires_ns - c->foreign.behind_ns;
    i->outages = c->foreign.outages;
}

int foreign_link(struct catalog *c, struct instance *i)
{
    if (!i->ttl_ns)
        return 0;
    if (deadlines_reserve(&c->foreign.due, c->foreign.due.n + 1) < 0)
        return -ENOMEM;
    deadlines_set(&c->foreign.due, &i->expiry, i->due_ns);
    return 0;
}
void foreign_unlink(struct catalog *c, struct instance *i)
{
    deadlines_clear(&c->foreign.due, &i->expiry);
}

/*
 * Takes over the times of a record that was put again. Most are put again before their time is over: then the deadline
 * stays, and that it comes too early is found out when it comes.
 */
void foreign_renew(struct catalog *c, struct instance *i, const struct instance *by)
{
    i->ttl_ns = by->ttl_ns;
    i->due_ns = by->due_ns;
    i->outages = by->outages;
    if (i->ttl_ns && i->due_ns < i->expiry.at_ns)
        deadlines_set(&c->foreign.due, &i->expiry, i->due_ns);
}

/*
 * A record's time was over before it arrived. What is known under its key ends as well, unless it is frozen because
 * nobody can hear at present whether it is put: then it has its whole time again once that is over.
 */
static int arrived_expired(struct catalog *c, struct instance *i, struct foreign_life life)
{
    if (i && foreign_is_frozen(c, i)) {
        instance_confirm(c, i);
        i->ttl_ns = life.ttl_ns; /* records of the catalog's file come without a TTL */
    } else if (i) {
        catalog_remove_instance(c, i);
    }
    return 1;
}

int catalog_put_foreign(struct catalog *c, const struct instance_key *key, const struct record *record,
                        struct foreign_life life, int64_t now_ns)
{
    struct instance *known = catalog_find(c, key);
    if (catalog_knows_host(c, key->host) || (known && !known->ttl_ns)) {
        catalog_unreadable(c, key);
        return -EPERM;
    }
    if (life.age_ns >= life.ttl_ns)
        return arrived_expired(c, known, life);
    return catalog_put_record(c, key, record,
                              (struct arrival){.in_snapshot = life.in_snapshot,
                                               .origin = {record->counter, now_ns - life.age_ns},
                                               .ttl_ns = life.ttl_ns,
                                               .expires_ns = now_ns + life.ttl_ns - life.age_ns});
}

int64_t catalog_expire(struct catalog *c, int64_t heard_ns, int64_t now_ns)
{
    struct deadlines *due = &c->foreign.due;
    const int64_t behind_ns = c->foreign.behind_ns;
    for (size_t n = 0; n < EXPIRE_MAX && deadlines_next_ns(due) <= now_ns - behind_ns; n++) {
        struct instance *i = instance_of(deadlines_first(due));
        if (due_ns(c, i) > i->expiry.at_ns)
            deadlines_set(due, &i->expiry, due_ns(c, i));
        else if (due_ns(c, i) > heard_ns - behind_ns)
            break;
        else
            catalog_remove_instance(c, i);
    }
    return due->n ? deadlines_next_ns(due) + behind_ns : INT64_MAX;
}

void catalog_postpone(struct catalog *c, int64_t ns)
{
    c->foreign.behind_ns += ns;
}

void catalog_freeze(struct catalog *c, bool frozen)
{
    c->foreign.outages += frozen;
    c->foreign.frozen = frozen;
}

/* Frozen records run out later than their deadlines say, which is found out when those come. */
void catalog_extend(struct catalog *c, int64_t now_ns)
{
    if (!c->foreign.frozen)
        return;
    c->foreign.frozen = false;
    c->foreign.extended = c->foreign.outages;
    c->foreign.extended_ns = now_ns - c->foreign.behind_ns;
}
