/* SPDX-License-Identifier: Apache-2.0 */
/* Records of foreign writers in the catalog. They come without a lease and live for the TTL they name. */
#include <errno.h>
#include <utlist.h>

#include "daemon/catalog/model.h"

#define EXPIRE_MAX 512 /* in one call: far less than 1 ms */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void foreign_will_expire(struct catalog *c, int64_t expires_ns)
{
    c->expire_ns = earlier(c->expire_ns, expires_ns);
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

static int64_t expire(struct catalog *c, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    size_t removed = 0;
    struct instance *i, *next;
    DL_FOREACH_SAFE2(c->foreign, i, next, next_foreign)
    {
        if (i->expires_ns > now_ns || removed == EXPIRE_MAX) {
            next_ns = earlier(next_ns, i->expires_ns);
            continue;
        }
        catalog_remove_instance(c, i);
        removed++;
    }
    return next_ns;
}

/* They are gone through only when one of them is due, not at each turn of the loop. */
int64_t catalog_expire(struct catalog *c, int64_t now_ns)
{
    if (c->expire_ns <= now_ns)
        c->expire_ns = expire(c, now_ns);
    return c->expire_ns;
}

void catalog_postpone(struct catalog *c, int64_t ns)
{
    struct instance *i;
    c->expire_ns += c->expire_ns < INT64_MAX ? ns : 0;
    DL_FOREACH2(c->foreign, i, next_foreign)
    {
        i->expires_ns += ns;
    }
}

void catalog_freeze(struct catalog *c, bool frozen)
{
    struct instance *i;
    DL_FOREACH2(c->foreign, i, next_foreign)
    {
        i->frozen = frozen;
    }
}

void catalog_extend(struct catalog *c, int64_t now_ns)
{
    struct instance *i;
    c->expire_ns = 0; /* to be seen */
    DL_FOREACH2(c->foreign, i, next_foreign)
    {
        if (i->frozen)
            i->expires_ns = now_ns + i->ttl_ns;
        i->frozen = false;
    }
}
