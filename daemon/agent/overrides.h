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
    char reason[OVERRIDE_REASON_CAP]; /* in an operator's words; "": none was given */
    uid_t uid;                        /* who set it */
    int64_t set_ms;                   /* when, by the wall clock, since 1970; 0: not known */
    uint32_t grace_ms;    /* drains for so long and is in maintenance then, whichever was set; 0: as state says */
    int64_t grace_end_ns; /* monotonic: when that is over. It is a part of overrides_set's argument */
    bool over;            /* it is */
};

struct overrides {
    struct override *all;
    size_t n, cap, max;
    int64_t next_end_ns; /* the earliest end of a grace that is not over; INT64_MAX: none */
};

void overrides_init(struct overrides *o, size_t max);
void overrides_fini(struct overrides *o);

/* In place of another one for the same. -ENOSPC: max is reached; -ENOMEM. */
int overrides_set(struct overrides *o, const struct override *override);

/* Makes room, so that overrides_set cannot fail. -ENOSPC, -ENOMEM. */
int overrides_reserve(struct overrides *o, const struct override *override);

/* -ENOENT: this state is not in force for just that. The second ends it. */
int overrides_find(const struct overrides *o, const struct override *override);
int overrides_end(struct overrides *o, const struct override *override);

bool override_covers(const struct override *override, const struct instance_key *key);

/* What covered instances are in now. */
uint8_t override_state(const struct override *override);

/* One whose grace has come to its end, which it is now; NULL: none. Until the next call. */
const struct override *overrides_end_grace(struct overrides *o, int64_t now_ns);

/* The one in force for an instance: the narrowest. -ENOENT. */
int overrides_for(const struct overrides *o, const struct instance_key *key, struct override *ret_override);

/* Its state, or 0. */
uint8_t overrides_state(const struct overrides *o, const struct instance_key *key);

#endif
