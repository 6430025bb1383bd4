/* SPDX-License-Identifier: Apache-2.0 */
/* Limits how many of something, such as connections, all owners together and each of them may hold, with a reserve. */
#include "daemon/base/shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { USER = 1, ADDRESS };

/* A client with one IPv6 address can use all of its /64 network, so the network counts as one owner. */
#define IPV6_NETWORK_BYTES 8

struct share_owner share_owner_user(uid_t uid)
{
    struct share_owner owner = {.kind = USER};
    memcpy(owner.bytes, &uid, sizeof uid);
    return owner;
}

struct share_owner share_owner_address(const uint8_t *bytes, size_t n)
{
    struct share_owner owner = {.kind = ADDRESS};
    memcpy(owner.bytes, bytes, n == sizeof owner.bytes ? IPV6_NETWORK_BYTES : n);
    return owner;
}

void shares_init(struct shares *s, uint32_t all, uint32_t each, uint32_t reserve)
{
    *s = (struct shares){.all = all, .each = each, .reserve = reserve < all / 2 ? reserve : all / 2};
}

void shares_fini(struct shares *s)
{
    struct share *share, *next;
    HASH_ITER(hh, s->owners, share, next)
    {
        HASH_DEL(s->owners, share);
        free(share);
    }
}

static struct share *find(const struct shares *s, const struct share_owner *owner)
{
    struct share *share;
    HASH_FIND(hh, s->owners, owner, sizeof *owner, share);
    return share;
}

static struct share *add(struct shares *s, const struct share_owner *owner, bool trusted)
{
    struct share *share = calloc(1, sizeof *share);
    if (!share)
        return NULL;
    share->owner = *owner;
    share->trusted = trusted;
    HASH_ADD(hh, s->owners, owner, sizeof share->owner, share);
    if (hash_added(&share->hh))
        return share;
    free(share);
    return NULL;
}

int shares_take(struct shares *s, const struct share_owner *owner, bool trusted, struct share **ret_share)
{
    struct share *share = find(s, owner);
    if (!trusted && share && share->n >= s->each)
        return -EDQUOT;
    if (trusted ? s->n >= s->all : s->n >= s->all || s->n - s->n_trusted >= s->all - s->reserve)
        return -ENOSPC;
    if (!share && !(share = add(s, owner, trusted)))
        return -ENOMEM;
    share->n++;
    s->n++;
    s->n_trusted += share->trusted;
    *ret_share = share;
    return 0;
}

void shares_give(struct shares *s, struct share *share)
{
    s->n--;
    s->n_trusted -= share->trusted;
    if (--share->n > 0)
        return;
    HASH_DEL(s->owners, share);
    free(share);
}

uint32_t shares_of(const struct shares *s, const struct share_owner *owner)
{
    const struct share *share = find(s, owner);
    return share ? share->n : 0;
}
