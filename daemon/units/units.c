/* SPDX-License-Identifier: Apache-2.0 */
/* The units that are watched, and their watchers. */
#include "daemon/units/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/units/units_impl.h"

static const struct metric metrics_table[] = {
    GAUGE_OF(units_metrics, followed, "discoverd_units_followed", "Units of systemd that are followed."),
    GAUGE_OF(units_metrics, connected, "discoverd_units_bus_connected",
             "1 while systemd can be asked for its units, over D-Bus."),
    COUNTER_OF(units_metrics, asked, "discoverd_units_asked_total", "Questions to systemd about the state of a unit."),
    COUNTER_OF(units_metrics, connects, "discoverd_units_bus_connects_total", "Connections made to D-Bus."),
    COUNTER_OF(units_metrics, disconnects, "discoverd_units_bus_disconnects_total",
               "Connections to D-Bus that were lost."),
};
METRICS_LISTED(metrics_table)

const char *unit_state_word(enum unit_state state)
{
    static const char *const words[] = {"unknown", "gone", "starting", "up", "stopping"};
    return words[state];
}

int units_new(struct event_base *base, const char *bus, const struct units_ops *ops, struct metrics *metrics,
              struct units **ret_units)
{
    struct units *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->base = base;
    u->ops = *ops;
    u->address = strdup(bus);
    int err = u->address ? units_bus_start(u) : -ENOMEM;
    if (!err)
        err = metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &u->metrics);
    if (err)
        units_free(u);
    else
        *ret_units = u;
    return err;
}

static void unit_free(struct unit *unit)
{
    unit_unlink(unit);
    free(unit->name);
    free(unit->path);
    free(unit);
}

void units_free(struct units *u)
{
    if (!u)
        return;
    units_bus_stop(u);
    free(u->address);
    free(u);
}

static struct unit *unit_new(struct units *u, const char *name)
{
    struct unit *unit = calloc(1, sizeof *unit);
    if (!unit)
        return NULL;
    unit->units = u;
    unit->name = strdup(name);
    if (!unit->name || sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &unit->path) < 0) {
        unit_free(unit);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, u->all, unit->name, strlen(unit->name), unit);
    if (hash_added(&unit->hh))
        return unit;
    unit_free(unit);
    return NULL;
}

int units_watch(struct units *u, const char *name, unit_state_fn *fn, void *arg, struct unit_watch **ret_watch)
{
    struct unit *unit;
    struct unit_watch *watch = calloc(1, sizeof *watch);
    HASH_FIND_STR(u->all, name, unit);
    if (watch && !unit)
        unit = unit_new(u, name);
    if (!watch || !unit) {
        free(watch);
        return -ENOMEM;
    }
    *watch = (struct unit_watch){.unit = unit, .fn = fn, .arg = arg};
    *ret_watch = watch;
    metric_set(&u->metrics.followed, HASH_COUNT(u->all));
    bool first = !unit->watches;
    DL_APPEND(unit->watches, watch);
    if (first)
        unit_ask(unit);
    else if (unit->state != UNIT_UNKNOWN)
        fn(arg, unit->name, unit->state, unit->main_pid);
    return 0;
}

void units_unwatch(struct unit_watch *watch)
{
    if (!watch)
        return;
    struct unit *unit = watch->unit;
    DL_DELETE(unit->watches, watch);
    free(watch);
    if (unit->watches)
        return;
    HASH_DEL(unit->units->all, unit);
    metric_set(&unit->units->metrics.followed, HASH_COUNT(unit->units->all));
    unit_free(unit);
}

/* A watcher may end its own watch, and no other one. */
void unit_notify(struct unit *unit, enum unit_state state, pid_t main_pid)
{
    unit->state = state;
    unit->main_pid = main_pid;
    for (struct unit_watch *w = unit->watches, *next; w; w = next) {
        next = w->next;
        w->fn(w->arg, unit->name, state, main_pid);
    }
}
