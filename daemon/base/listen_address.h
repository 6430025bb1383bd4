/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening at an address that this host has not got yet, or has lost: at boot a daemon is often faster than the
 * network. Any thread.
 */
#ifndef BASE_LISTEN_ADDRESS_H
#define BASE_LISTEN_ADDRESS_H

#include <sys/socket.h>

/*
 * Before bind(2): it takes an address that is not here, and what is sent to it is received from when it comes (ip(7),
 * IP_FREEBIND). A negative errno.
 */
int listen_address_may_be_absent(int fd, int family);

/*
 * Whether what is sent to the address can arrive now; "127.0.0.1:8053". -EADDRNOTAVAIL: this host does not have it;
 * -EAFNOSUPPORT: nor its family; -EINVAL: it is none; or another negative errno.
 */
int listen_address_look(const char *text);

#endif
