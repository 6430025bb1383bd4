/* SPDX-License-Identifier: Apache-2.0 */
/* A host "web-1" that may publish events, and a real liveness of other hosts whose leases live for EVENTS_TTL. One at a time. */
#ifndef UNIT_REGISTRY_EVENTS_STAGE_H
#define UNIT_REGISTRY_EVENTS_STAGE_H

#include "daemon/registry/events/events.h"
#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"

#define EVENTS_TTL (10 * NS_PER_S) /* the default */

extern struct metrics *metrics;
extern struct config *config;
extern struct events *events;
extern struct liveness *liveness;
extern int64_t now_ns;

/* The time is 1000 s, the bus trusted. hear is given each event that would be published. */
void events_stage_begin(void (*hear)(const json_t *event), const struct liveness_events *of_hosts);
void events_stage_end(void);

/* A lease of another host, in that life of its daemon, is heard now. */
void beat(const char *host, uint64_t life);

#endif
