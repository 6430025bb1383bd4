/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known against what was read, and who is believed where the two differ.
 *
 * A record that a snapshot does not have, or has in an older version, or of which it has something that cannot be
 * read, stays: its owner is about to put it again. What the owner's lease vouches for stays for good. When the lease
 * goes on to say otherwise, and vouches for just what was read, then that is the truth: nobody dead and nothing that
 * only the live feed has brought outlives it.
 */
#include "daemon/catalog/model.h"
#include "libdiscover/core/digest.h"

void instance_confirm(struct catalog *c, struct instance *i)
{
    if (i->spared && i->epoch < i->host->min_epoch)
        instance_changed(c, i);
    i->spared = false;
    sweep_mark(c, i);
    i->unread = false;
    free(i->instead);
    i->instead = NULL;
}

void catalog_unreadable(struct catalog *c, const struct instance_key *key)
{
    struct instance *i = catalog_find(c, key);
    if (!i)
        return;
    sweep_mark(c, i);
    i->unread = true;
    i->spared = instance_usable(i);
}

static bool was_read(const struct catalog *c, const struct instance *i)
{
    return i->mark == c->mark && !i->unread;
}

bool host_is_what_was_read(const struct catalog *c, const struct host *h, const struct lease *lease)
{
    uint64_t digest = 0;
    uint32_t records = 0;
    for (const struct instance *i = h->instances; i; i = i->next_of_host) {
        const struct instance *read = was_read(c, i) ? i : i->instead;
        if (!read || read->ttl_ns)
            continue;
        digest ^= read->digest;
        records++;
    }
    return c->read_whole && records == lease->records && digest == lease->digest;
}

void host_settle(struct catalog *c, struct host *h)
{
    for (struct instance *i = h->instances, *next; i; i = next) {
        next = i->next_of_host;
        if (!was_read(c, i))
            instance_end(c, i);
    }
}
