/* SPDX-License-Identifier: Apache-2.0 */
/* Records of foreign writers in the catalog. They come without a lease and live for the TTL they name. */
#include <errno.h>
#include <stddef.h>

#include "daemon/catalog/model.h"

#define EXPIRE_MAX 512 /* in one call: less than 1 ms */

static struct instance *instance_of(struct deadline *d)
{
    return (struct instance *)((char *)d - offsetof(struct instance, expiry));
}

int foreign_link(struct catalog *c, struct instance *i)
{
    if (!i->ttl_ns)
        return 0;
    if (deadlines_reserve(&c->foreign, c->foreign.n + 1) < 0)
        return -ENOMEM;
    deadlines_set(&c->foreign, &i->expiry, i->expires_ns);
    return 0;
}

void foreign_unlink(struct catalog *c, struct instance *i)
{
    deadlines_clear(&c->foreign, &i->expiry);
}

/* Most are put again before their time: what comes later is seen when it is looked at. */
void foreign_will_expire(struct catalog *c, struct instance *i, int64_t expires_ns)
{
    i->expires_ns = expires_ns;
    if (expires_ns < i->expiry.at_ns)
        deadlines_set(&c->foreign, &i->expiry, expires_ns);
}

/*
 * Its time was over before it arrived. What is known under the key ends as well, unless nobody could hear for a while
 * whether it was put: then it has its time again, from when that is over.
 */
static int arrived_expired(struct catalog *c, struct instance *i, struct foreign_life life)
{
    if (i && i->frozen) {
        instance_confirm(c, i);
        i->ttl_ns = life.ttl_ns; /* a file does not tell it */
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

int64_t catalog_expire(struct catalog *c, int64_t now_ns)
{
    for (size_t n = 0; n < EXPIRE_MAX && deadlines_next_ns(&c->foreign) <= now_ns; n++) {
        struct instance *i = instance_of(deadlines_first(&c->foreign));
        if (i->expires_ns > now_ns)
            deadlines_set(&c->foreign, &i->expiry, i->expires_ns);
        else
            catalog_remove_instance(c, i);
    }
    return deadlines_next_ns(&c->foreign);
}

void catalog_postpone(struct catalog *c, int64_t ns)
{
    for (size_t k = 0; k < c->foreign.n; k++)
        instance_of(c->foreign.heap[k])->expires_ns += ns;
}

void catalog_freeze(struct catalog *c, bool frozen)
{
    for (size_t k = 0; k < c->foreign.n; k++)
        instance_of(c->foreign.heap[k])->frozen = frozen;
}

/* Later than they would have, which is seen when that comes. */
void catalog_extend(struct catalog *c, int64_t now_ns)
{
    for (size_t k = 0; k < c->foreign.n; k++) {
        struct instance *i = instance_of(c->foreign.heap[k]);
        if (i->frozen)
            i->expires_ns = now_ns + i->ttl_ns;
        i->frozen = false;
    }
}
