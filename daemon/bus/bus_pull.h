/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first way to read a stream: from an ephemeral consumer, in portions. The server sends only what was asked for, so
 * that the memory for a snapshot of any size is bounded, also when main is slow. When the consumer falls silent (its
 * server died, its count was wrong) the next one goes on behind the last message that was read, which is what an
 * ordered consumer does. Reader thread; blocks.
 */
#ifndef BUS_PULL_H
#define BUS_PULL_H

#include "daemon/bus/bus_reading.h"

/*
 * 0, a negative errno with a reason, BUS_WAY_CLOSED where consumers are not ours to make, or BUS_WAY_CUT where what they
 * send does not all get here.
 */
int bus_pull_read(struct bus_reading *r);

#endif
