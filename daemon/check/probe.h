/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check, run again and again: looks the name up, connects (to one address after the other until one accepts),
 * and for HTTP asks and reads the status. All of it within the timeout. Main thread; nothing blocks.
 */
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include <event2/dns.h>
#include <event2/event.h>
#include <stdbool.h>

#include "daemon/config/service_config.h"

struct probe;

/* reason: why it failed; lives during the call. May be called within probe_run. May free the probe. */
typedef void probe_done_fn(void *arg, bool pass, const char *reason);

/* -EINVAL: the target cannot be parsed; -ENOMEM. */
int probe_new(struct event_base *base, struct evdns_base *dns, const struct check_config *config, probe_done_fn *fn,
              void *arg, struct probe **ret_probe);

/* Also in the middle of a run: nothing is called any more. */
void probe_free(struct probe *p);

/* Starts a run; while one is under way nothing happens. */
void probe_run(struct probe *p);

#endif
