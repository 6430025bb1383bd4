/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a TCP connection: over loopback a user of this machine, as the kernel knows (sock_diag(7)),
 * else an address. All users of a machine come from one loopback address: shares by it would let one of them take all.
 */
#ifndef BASE_PEER_OWNER_H
#define BASE_PEER_OWNER_H

#include "daemon/base/shares.h"

/* A socket to ask the kernel with, to be closed by the caller; or -1: then all are addresses. */
int peer_owner_open(void);

/* Never waits. Where the kernel does not say: the address. uid: the user, or (uid_t)-1. */
void peer_owner(int diag, int sock, struct share_owner *ret_owner, uid_t *ret_uid);

#endif
