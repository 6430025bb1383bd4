/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often somebody may make us read a bucket again. A resync is what mends everything, and costs everybody: whoever
 * causes more than their share is followed more slowly, alone. Pure; main thread; nothing fails.
 */
#ifndef SYNC_RESYNC_BUDGET_H
#define SYNC_RESYNC_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/label.h"

/* So many at once, and one more each every_ns. Zeroed but for these two: full. */
struct resync_pace {
    unsigned burst;
    int64_t every_ns;
    int64_t full_ns; /* when it is full again, if nothing more is taken */
};

/* Takes one. Returns how long it has to wait for it; 0: it may be had at once. */
int64_t resync_pace_take(struct resync_pace *p, int64_t now_ns);

/* The same without waiting: false: not now, and nothing is taken. */
bool resync_pace_try(struct resync_pace *p, int64_t now_ns);

#define RESYNC_BUDGET_HOSTS 64

/* A pace for each host, of those that caused something last. */
struct resync_budget {
    struct resync_budget_host {
        char host[LABEL_CAP];
        struct resync_pace pace;
    } all[RESYNC_BUDGET_HOSTS]; /* the latest first */
    size_t n;
    uint64_t deferred;
};

/* Whether host may cause one now. */
bool resync_budget_allows(struct resync_budget *b, const char *host, int64_t now_ns);

#endif
