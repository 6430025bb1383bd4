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

int units_new(struct event_base *base, const char *bus, struct metrics *metrics, struct units **ret_units)
{
    struct units *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->base = base;
    u->address = bus;
    u->registry = metrics;
    int err = units_bus_init(u);
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
    units_bus_fini(u);
    free(u);
}

/* Connects, for the first who asks for anything. */
static int start(struct units *u)
{
    if (u->started)
        return 0;
    int err = metrics_add(u->registry, metrics_table, sizeof metrics_table / sizeof *metrics_table, &u->metrics);
    if (err)
        return err;
    u->started = true;
    loop_timer_arm(&u->reconnect, 0, 0);
    return 0;
}

int units_follow_files(struct units *u, const struct units_ops *ops)
{
    u->ops = *ops;
    return start(u);
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
    struct unit_watch *watch = start(u) == 0 ? calloc(1, sizeof *watch) : NULL;
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
    DL_APPEND(unit->watches, watch);
    unit_ask(unit);
    return 0;
}

void units_unwatch(struct unit_watch *watch)
{
    if (!watch)
        return;
    struct unit *unit = watch->unit;
    if (unit->report_next == watch)
        unit->report_next = watch->next;
    DL_DELETE(unit->watches, watch);
    free(watch);
    if (unit->watches)
        return;
    HASH_DEL(unit->units->all, unit);
    metric_set(&unit->units->metrics.followed, HASH_COUNT(unit->units->all));
    unit_free(unit);
}

void unit_notify(struct unit *unit, enum unit_state state, pid_t main_pid)
{
    for (struct unit_watch *w = unit->watches; w; w = unit->report_next) {
        unit->report_next = w->next;
        w->fn(w->arg, state, main_pid);
    }
}
