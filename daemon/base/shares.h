/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts who holds how much of something limited, as connections: so many for all together, so many for each owner,
 * and a reserve for those who are trusted, so that the others cannot lock them out. Pure; one thread.
 */
#ifndef BASE_SHARES_H
#define BASE_SHARES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/hash.h"

/* A user of this machine, or the address of another one. */
struct share_owner {
    uint8_t bytes[16];
    uint8_t kind;
};

struct share_owner share_owner_user(uid_t uid);
struct share_owner share_owner_address(const uint8_t *bytes, size_t n); /* at most 16 bytes; of IPv6 the /64 counts */

struct share {
    UT_hash_handle hh; /* by owner */
    struct share_owner owner;
    uint32_t n;
    bool trusted;
};

struct shares {
    uint32_t all, each, reserve; /* the limits; a trusted owner has none of its own */
    uint32_t n, n_trusted;       /* taken */
    struct share *owners;
};

void shares_init(struct shares *s, uint32_t all, uint32_t each, uint32_t reserve);
void shares_fini(struct shares *s);

/*
 * Takes one. -EDQUOT: the owner has as many as one may have; -ENOSPC: all are taken that are not in the reserve, or
 * for one who is trusted, all; -ENOMEM.
 */
int shares_take(struct shares *s, const struct share_owner *owner, bool trusted, struct share **ret_share);

/* Gives one back. */
void shares_give(struct shares *s, struct share *share);

/* How many an owner has. */
uint32_t shares_of(const struct shares *s, const struct share_owner *owner);

#endif
