/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units of systemd, over D-Bus: whether they are up, and which process is their main one. sd-bus on the loop, which never
 * waits for it. It is connected to when somebody asks for a unit, or for files of units. Main thread only.
 *
 * A unit is asked for its state when somebody begins to watch it, when systemd says that something of it has changed, and after each
 * connection. A bus that is away says nothing of units: what was last known stays, watchers hear nothing, and it is connected
 * to again, ever less often.
 */
#ifndef UNITS_UNITS_H
#define UNITS_UNITS_H

#include <event2/event.h>
#include <sys/types.h>

#include "daemon/base/metrics.h"

#define UNIT_NAME_CAP 256 /* systemd.unit(5) */

enum unit_state {
    UNIT_UNKNOWN,  /* systemd has not said yet */
    UNIT_GONE,     /* inactive or failed, or there is no such unit */
    UNIT_STARTING, /* activating */
    UNIT_UP,       /* active or reloading */
    UNIT_STOPPING, /* deactivating */
};

struct units;
struct unit_watch;

/*
 * Never UNIT_UNKNOWN; main_pid 0: it has none. Called again with the same, too; never from within units_watch. It may end other
 * watches, but not its own.
 */
typedef void unit_state_fn(void *arg, enum unit_state state, pid_t main_pid);

struct units_ops {
    void *arg;

    /* Connected, or all units were read again: these are the folders with files of units, the first ones go first. */
    void (*folders)(void *arg, const char *const *folders, size_t n);

    /* Just before that, and when some have come or gone: all services that are loaded and made from templates, in order. */
    void (*instances)(void *arg, const char *const *units, size_t n);
};

/*
 * bus: "system", or the address of systemd's own socket ("unix:path=/run/user/1000/systemd/private"); it and metrics stay the
 * caller's. -ENOMEM.
 */
int units_new(struct event_base *base, const char *bus, struct metrics *metrics, struct units **ret_units);
void units_free(struct units *u); /* NULL is fine; after the last unwatch */

/* Before the loop runs. -ENOMEM. */
int units_follow_files(struct units *u, const struct units_ops *ops);

/* Tells the state as soon as systemd says it, and whenever it may have changed. -ENOMEM. */
int units_watch(struct units *u, const char *unit, unit_state_fn *fn, void *arg, struct unit_watch **ret_watch);
void units_unwatch(struct unit_watch *watch); /* NULL is fine */

/* "gone", "starting", "up", "stopping", "unknown". Static. */
const char *unit_state_word(enum unit_state state);

#endif
