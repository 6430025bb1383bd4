/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the live feed of a bucket had lost, told when a snapshot has brought it: whose keys those were, in one line a
 * snapshot, which come no faster than follow.h lets them. Main thread only.
 */
#ifndef REGISTRY_LOST_CHANGES_H
#define REGISTRY_LOST_CHANGES_H

#include "daemon/sync/message.h"

#define LOST_CHANGES_NAMED 4

struct lost_changes {
    char keys[LOST_CHANGES_NAMED][128]; /* the first of them; longer ones are cut */
    uint64_t n, first, last;            /* revisions */
};

void lost_changes_add(struct lost_changes *l, const struct kv_message *m);

/* Into the log, if there were any; and begins anew. */
void lost_changes_tell(struct lost_changes *l, const char *bucket);

#endif
