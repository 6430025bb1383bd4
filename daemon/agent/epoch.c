/* SPDX-License-Identifier: Apache-2.0 */
/* How the epoch, which distinguishes one life of this host's daemon from the next, is chosen and raised. */
#include "daemon/agent/epoch.h"

#include "libdiscover/core/record.h"

void epoch_begin(struct agent_identity *identity, int64_t wall_ms, uint64_t random)
{
    uint64_t clock = wall_ms > 0 ? (uint64_t)wall_ms : 1;
    if (!epoch_plausible(identity->epoch, wall_ms))
        identity->epoch = identity->min_epoch = 0;
    identity->epoch = identity->epoch + 1 > clock ? identity->epoch + 1 : clock;
    /* 0 means "none" in what is stored. */
    if (identity->node == 0)
        identity->node = random ? random : 1;
}

bool epoch_jump(struct agent_identity *identity, uint64_t seen)
{
    if (seen < identity->epoch || seen >= EPOCH_MAX)
        return false;
    identity->epoch = seen + 1;
    return true;
}
