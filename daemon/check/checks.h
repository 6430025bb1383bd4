/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the checks of instances (tcp.h, http.h) at their intervals and tells when an instance's state changes. An
 * instance with several checks passes when all pass. Main thread only; nothing blocks.
 */
#ifndef CHECK_CHECKS_H
#define CHECK_CHECKS_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "discover/discover.h"
#include "libdiscover/core/label.h"

struct check_config; /* daemon/base: target, interval, timeout, fall, rise */
struct checks;

/* From the loop, never from within checks_set. May call checks_set and checks_remove. */
typedef void check_state_fn(void *arg, const struct instance_key *key, enum discover_state state);

/* Adds its counters to metrics. -ENOMEM. */
int checks_new(struct event_base *base, struct metrics *metrics, check_state_fn *fn, void *arg,
               struct checks **ret_checks);
void checks_free(struct checks *c);

/*
 * Replaces the checks of an instance; those that stay the same go on undisturbed. The first runs come within one
 * interval, spread. -EINVAL: a target that cannot be parsed (nothing changes); -ENOMEM.
 */
int checks_set(struct checks *c, const struct instance_key *key, const struct check_config *configs, size_t n);
void checks_remove(struct checks *c, const struct instance_key *key);

#endif
