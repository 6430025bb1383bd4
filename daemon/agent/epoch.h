/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epoch: one life of a daemon on a host. It only grows: above the stored one, above the wall clock in
 * milliseconds (if what was stored is lost), and above whatever the bucket holds of this host (if the clock was set
 * back as well). But a stored one that is more than a day ahead of the clock is forgotten: either it was taken from a
 * clock that was wrong, or damaged, and others refuse all that are above it; or the clock is wrong now, and then the
 * bucket says what to be above. Pure; main thread.
 */
#ifndef AGENT_EPOCH_H
#define AGENT_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/agent/agent_ops.h"

/* Turns the identity of the previous life into that of a new one. random: the node, if there was none. */
void epoch_begin(struct agent_identity *identity, int64_t wall_ms, uint64_t random);

/*
 * Another life of this host has used epoch `seen`: moves ours above it. Returns false when it is above already, or when
 * `seen` is too far ahead to be true.
 */
bool epoch_jump(struct agent_identity *identity, uint64_t seen);

#endif
