/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator says of instances of this host, over what their programs say: draining or in maintenance.
 * Holds for one instance, for a service or for the whole host, whether it is registered yet or not; the
 * narrowest counts. Pure; main thread.
 */
#ifndef AGENT_OVERRIDES_H
#define AGENT_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libdiscover/core/record.h"

#define OVERRIDE_REASON_CAP 256 /* with NUL; UTF-8 without control characters */

struct override {
    struct instance_key
        key;       /* instance "": all of the service; domain and service "", too: all of the host; host: "" */
    uint8_t state; /* DISCOVER_DRAINING or DISCOVER_MAINTENANCE */
    char reason[OVERRIDE_REASON_CAP]; /* in the words of the operator who set it; "": none was given */
    uid_t uid;                        /* who set it */
    int64_t set_ms;                   /* when, by the wall clock, since 1970; 0: not known */
    /* it drains for so long, then it is in maintenance, whichever state was set; 0: as state says */
    uint32_t grace_ms;
    int64_t grace_end_ns; /* monotonic: when the grace is over; to be set by the caller of overrides_set */
    bool over;            /* the grace is over */
};

/* In the beginning, all zeros but the last two. */
struct overrides {
    struct override *all;
    size_t n, cap;
    size_t max;
    int64_t next_end_ns; /* the earliest end of a grace that is not over; INT64_MAX: none */
};

void overrides_fini(struct overrides *o);

/* Sets a copy of it, in place of another one for the same instances. -ENOSPC: max is reached; -ENOMEM. */
int overrides_set(struct overrides *o, const struct override *override);

/* Makes room, so that overrides_set cannot fail. -ENOSPC, -ENOMEM. */
int overrides_reserve(struct overrides *o, const struct override *override);

/* Finds and, the second, ends the override of just these instances in this state. -ENOENT: it is not in force. */
int overrides_find(const struct overrides *o, const struct override *override);
int overrides_end(struct overrides *o, const struct override *override);

/*
 * Marks one override whose grace has come to its end as over, and returns it, valid until the next call; NULL: there is
 * none.
 */
const struct override *overrides_end_grace(struct overrides *o, int64_t now_ns);

/* The override in force for an instance: the narrowest, valid until the next change; NULL: none is. */
const struct override *overrides_for(const struct overrides *o, const struct instance_key *key);

/* The state of the override in force for an instance; 0: none is. */
uint8_t overrides_state(const struct overrides *o, const struct instance_key *key);

#endif
