/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which region operators have said answers for a service on this host. Stored before it counts, in a file each of the state
 * directory, so that it outlives restarts. At most limits.overrides of them. Main thread only.
 */
#ifndef REGISTRY_REGION_SWITCHES_H
#define REGISTRY_REGION_SWITCHES_H

#include <sys/types.h>

#include "daemon/agent/state_dir.h"
#include "daemon/base/hash.h"
#include "libdiscover/core/label.h"

struct region_switch {
    UT_hash_handle hh;
    char service[SERVICE_CAP];
    char region[LABEL_CAP]; /* "": the own one */
    uid_t uid;
    int64_t set_ms; /* since 1970 */
};

struct region_switches {
    struct state_dir *state_dir;
    struct region_switch *all; /* by service */
    size_t max;
};

/* Brings back the orders that are stored; a damaged one is set aside, and logged. A negative errno. */
int region_switches_init(struct region_switches *s, struct state_dir *state_dir, size_t max);
void region_switches_fini(struct region_switches *s);

/*
 * Stores an order, which blocks on the disk; then it is in force. -ENOSPC: there are too many; -EIO: it cannot be
 * stored; -ENOMEM.
 */
int region_switches_set(struct region_switches *s, const struct region_switch *with);
int region_switches_end(struct region_switches *s, const char *service); /* -ENOENT, -EIO */

/* Valid until the order ends. NULL: there is no order about the service. */
struct region_switch *region_switches_find(const struct region_switches *s, const char *service);

#endif
