/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports to systemd (sd_notify(3)) that the daemon makes progress, and its state in a sentence.
 *
 * The watchdog is fed by a timer that comes behind everything else the loop has to do, and only while all threads that were
 * given to struct watchdog turn: so a loop, a thread of the bus or of DNS that hangs ends the notices, and systemd starts
 * the daemon again. Main thread only.
 */
#ifndef REGISTRY_SUPERVISION_H
#define REGISTRY_SUPERVISION_H

#include <event2/event.h>

#include "daemon/base/metrics.h"
#include "daemon/base/watchdog.h"
#include "proto/api.pb-c.h"

struct supervision;

struct supervision_reach {
    struct event_base *base;
    struct metrics *metrics;
    struct watchdog *watchdog; /* its timeout is set here */
    void *arg;
    void (*status)(void *arg, Discover__V1__Status *ret_status);
};

/* Begins at once, if systemd has started us and asks for it; else does nothing. -ENOMEM. */
int supervision_new(const struct supervision_reach *reach, struct supervision **ret_s);
void supervision_free(struct supervision *s);

#endif
