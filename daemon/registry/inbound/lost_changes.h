/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that the live feed of a bucket had lost and a snapshot has brought: their keys are logged, in one line for each
 * snapshot; snapshots come no faster than follow.h lets them. Main thread only.
 */
#ifndef REGISTRY_LOST_CHANGES_H
#define REGISTRY_LOST_CHANGES_H

#include "daemon/sync/message.h"

#define LOST_CHANGES_NAMED 4

struct lost_changes {
    char keys[LOST_CHANGES_NAMED][128]; /* the first keys; longer ones are cut */
    uint64_t n, first, last;            /* number of changes; lowest and highest revision */
};

void lost_changes_add(struct lost_changes *l, const struct kv_message *m);

/* Logs the changes that were added, if there are any, and begins anew. */
void lost_changes_report(struct lost_changes *l, const char *bucket);

#endif
