/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for the daemon, and dispatch meanwhile. The handle's thread. */
#ifndef LIBDISCOVER_HANDLE_H
#define LIBDISCOVER_HANDLE_H

#include "libdiscover/context.h"

/*
 * Waits for something to do, at most until the deadline, and does it; calls nobody's completion. A daemon that goes on
 * talking of other things makes nobody wait longer.
 */
void handle_wait(struct discover *d, int64_t deadline_ns);

/*
 * Makes descriptors anew that the program has closed. Called by dispatch and whatever waits, and before anything is
 * sent.
 */
void handle_mend(struct discover *d);

#endif
