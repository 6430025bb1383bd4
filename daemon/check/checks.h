/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the checks of instances (probe.h) at their intervals and tells when an instance's state changes. An instance
 * with several checks passes when all pass; without any it passes. Main thread only; nothing blocks.
 */
#ifndef CHECK_CHECKS_H
#define CHECK_CHECKS_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/config/service_config.h"
#include "discover/discover.h"
#include "libdiscover/core/label.h"

struct checks;

/* PASSING or CRITICAL. Called from the loop, never from within a call below; may call all of them. */
typedef void check_state_fn(void *arg, const struct instance_key *key, enum discover_state state);

/* Adds its counters to metrics. -ENOMEM. */
int checks_new(struct event_base *base, struct metrics *metrics, check_state_fn *fn, void *arg,
               struct checks **ret_checks);
void checks_free(struct checks *c);

/*
 * Replaces the checks of an instance; those that stay the same go on undisturbed. The first run comes within a
 * second, or an interval if that is less. -EINVAL: a target that cannot be parsed, -ENOMEM: nothing changes.
 */
int checks_set(struct checks *c, const struct instance_key *key, const struct check_config *configs, size_t n);

/* The instance is gone: nothing more is said of it. */
void checks_remove(struct checks *c, const struct instance_key *key);

#endif
