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

#include "daemon/base/pace.h"
#include "libdiscover/core/label.h"

#define RESYNC_BUDGET_HOSTS 64

/* A pace for each host, of those that caused something last. */
struct resync_budget {
    struct resync_budget_host {
        char host[LABEL_CAP];
        struct pace pace;
    } all[RESYNC_BUDGET_HOSTS]; /* the latest first */
    size_t n;
};

/* Whether host may cause one now. */
bool resync_budget_allows(struct resync_budget *b, const char *host, int64_t now_ns);

#endif
