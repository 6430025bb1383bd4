/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket activation by the test itself: it holds the listening sockets of a host, as systemd would, and starts its daemon with
 * them. They live as long as the test. Thread: the test's main thread only.
 */
#ifndef SUPPORT_PASSED_SOCKETS_H
#define SUPPORT_PASSED_SOCKETS_H

#include "tests/support/host.h"

struct passed_sockets {
    int fds[4]; /* DNS by UDP and by TCP, HTTP, programs */
};

/* Binds h's ports and its socket. After host_init. */
void passed_sockets_open(struct passed_sockets *s, const struct host *h);

/* As host_launch, with the sockets. */
void passed_sockets_launch(const struct passed_sockets *s, struct host *h);

#endif
