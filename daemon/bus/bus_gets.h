/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second way to read a stream, for who may make no consumers: each message is asked for, hundreds at once.
 *
 * 1. The first request is for a batch (servers from 2.11 on know them), and behind it goes one for a single message.
 *    When the answer to that one is there and no more than one of the batch, either the server knows no batches, or
 *    what lies between (an import that lets one answer through) passes none on.
 * 2. With batches: one request after the other, each for as many messages as a batch has.
 * 3. Without: chains of single direct gets over ranges of sequences (bus_ranges.h).
 * 4. Where a direct get may be answered by a replica that is behind: servers without batches may answer with messages
 *    that are long overwritten, so it is the leader who is asked (STREAM.MSG.GET), if that is allowed. Of others "there
 *    is no more" is not believed until the leader says so.
 * 5. A message whose writer made its headers unreadable is asked of the leader.
 * 6. What nobody serves or NATS does not permit is not asked again; the other way is gone then, if there is one.
 * 7. A stream that keeps more than one message of a key is read twice: first to know which one is the latest, then for
 *    those.
 *
 * Entries come in no particular order. Reader thread; blocks.
 */
#ifndef BUS_GETS_H
#define BUS_GETS_H

#include "daemon/bus/bus_reading.h"

/* 0, or a negative errno with a reason. */
int bus_gets_read(struct bus_reading *r);

#endif
