/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of units.h share: units.c knows units and their watchers, units_bus.c talks to systemd. */
#ifndef UNITS_UNITS_IMPL_H
#define UNITS_UNITS_IMPL_H

#include <systemd/sd-bus.h>

#include "daemon/base/hash.h"
#include "daemon/base/loop.h"
#include "daemon/units/units.h"
#include "libdiscover/core/backoff.h"

struct unit_watch {
    struct unit *unit;
    unit_state_fn *fn;
    void *arg;
    struct unit_watch *prev, *next;
};

struct unit {
    UT_hash_handle hh;
    struct units *units;
    char *name, *path;                        /* its name, and its object path on D-Bus */
    struct unit_watch *watches, *report_next; /* report_next: while a state is reported to them, the one after */

    sd_bus_slot *changes, *question; /* the subscription to its changes, and the question under way; NULL: none */
    enum unit_state answered;        /* the state in the first half of the answer, ActiveState */
    bool again;                      /* it has changed since it was asked, and must be asked again */
};

struct units {
    struct event_base *base;
    const char *address;
    struct units_ops ops; /* zeros: nobody asks for files */
    struct metrics *registry;
    struct units_metrics {
        metric_value followed, connected, asked, connects, disconnects;
    } metrics;
    struct unit *all;
    bool started;

    sd_bus *bus; /* NULL: away */
    struct event *event;
    struct loop_timer reconnect;
    struct backoff backoff;
    sd_bus_slot *listing; /* the question for all instances of templates; NULL: none is under way */
    bool list_again;      /* instances have come or gone since then: ask again */
    bool connected;
    char error[256]; /* the last error that was logged */
};

/* units_bus.c: connects when the timer u->reconnect is armed, and again whenever it is lost. */
int units_bus_init(struct units *u);
void units_bus_fini(struct units *u);

/* Asks for the state, if there is a bus. */
void unit_ask(struct unit *unit);

/* Of the bus that is left: what was asked will not be answered. */
void unit_unlink(struct unit *unit);

/* units.c: what systemd has said. */
void unit_notify(struct unit *unit, enum unit_state state, pid_t main_pid);

#endif
