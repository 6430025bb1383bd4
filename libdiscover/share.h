/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ejections shared with the other processes of the host (discover_picker_share): what a picker ejects is sent
 * from dispatch, what others eject is heard there. The handle's thread. A hint that is lost on the way costs
 * nothing but calls that fail once more, so nothing is acknowledged.
 */
#ifndef LIBDISCOVER_SHARE_H
#define LIBDISCOVER_SHARE_H

#include "libdiscover/context.h"

/* Sends what pickers have ejected since, and of which services none is left. */
void shares_run(struct discover *d);

/* Tells a new connection which services are shared. A negative errno: the caller ends the connection. */
int shares_send(struct discover *d);

/* Another process has ejected an instance. */
void shares_heard(struct discover *d, const Discover__V1__Ejected *ejected);

/* The handle is about to go. */
void shares_drop(struct discover *d);

#endif
