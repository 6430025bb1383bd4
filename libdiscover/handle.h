/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for the daemon, and dispatch meanwhile. The handle's thread. */
#ifndef LIBDISCOVER_HANDLE_H
#define LIBDISCOVER_HANDLE_H

#include "libdiscover/context.h"

/*
 * Connects at once and waits to be up. DISCOVER_E_UNSYNCED: no daemon (another try is scheduled); -ETIMEDOUT; a
 * fault; or the errno of connect(2) when it says that this handle cannot, rather than that the daemon is not there.
 */
int handle_connect(struct discover *d, int64_t deadline_ns);

/*
 * Waits for something to do, and does it. -ETIMEDOUT: the deadline is over, whatever came with it: what is waited for may
 * have; 0 if the connection has ended. A daemon that goes on talking of other things makes nobody wait longer.
 */
int handle_wait(struct discover *d, int64_t deadline_ns);

#endif
