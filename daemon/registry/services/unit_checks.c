/* SPDX-License-Identifier: Apache-2.0 */
/* Reports the state of systemd units to the checks of kind unit. */
#include "daemon/registry/services/unit_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* A unit that one check asks about. */
struct asked {
    struct asked *prev, *next;
    struct unit_checks *owner;
    char unit[UNIT_NAME_CAP];
    check_unit_fn *fn;
    void *arg;
    struct unit_watch *watch; /* NULL: no systemd can be asked yet */
    enum unit_state state;    /* as systemd said last */
    bool report_due;
};

struct unit_checks {
    struct check_units ops;
    struct units *units;
    struct asked *all;
    struct event *reporting; /* makes the loop report states: never from within a check's own question */
    void (*wanted)(void *arg);
    void *arg;
};

static void report_states(evutil_socket_t fd, short what, void *arg)
{
    struct unit_checks *c = arg;
    struct asked *a, *next;
    (void)fd, (void)what;
    DL_FOREACH_SAFE(c->all, a, next)
    {
        if (!a->report_due)
            continue;
        a->report_due = false;
        a->fn(a->arg, a->state == UNIT_UP ? CHECK_PASS : CHECK_FAIL, unit_state_word(a->state));
    }
}

static void on_state(void *arg, const char *unit, enum unit_state state, pid_t main_pid)
{
    struct asked *a = arg;
    (void)unit, (void)main_pid;
    if (state == a->state)
        return;
    a->state = state;
    a->report_due = true;
    event_active(a->owner->reporting, 0, 0);
}

static int watch(struct asked *a)
{
    return units_watch(a->owner->units, a->unit, on_state, a, &a->watch);
}

static int follow(void *arg, const char *unit, check_unit_fn *fn, void *fn_arg, void **ret_follow)
{
    struct unit_checks *c = arg;
    struct asked *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;
    *a = (struct asked){.owner = c, .fn = fn, .arg = fn_arg};
    snprintf(a->unit, sizeof a->unit, "%s", unit);
    if (c->units && watch(a) < 0) {
        free(a);
        return -ENOMEM;
    }
    DL_APPEND(c->all, a);
    if (!c->units && c->wanted)
        c->wanted(c->arg);
    *ret_follow = a;
    return 0;
}

static void unfollow(void *arg, void *follow)
{
    struct unit_checks *c = arg;
    struct asked *a = follow;
    units_unwatch(a->watch);
    DL_DELETE(c->all, a);
    free(a);
}

void unit_checks_ask(struct unit_checks *c, struct units *units)
{
    struct asked *a;
    c->units = units;
    DL_FOREACH(c->all, a)
    {
        units_unwatch(a->watch);
        a->watch = NULL;
        if (units)
            (void)watch(a); /* no memory: the state stays as it was until the next reload */
    }
}

void unit_checks_set_wanted(struct unit_checks *c, void (*wanted)(void *arg), void *arg)
{
    c->wanted = wanted;
    c->arg = arg;
}

const struct check_units *unit_checks_ops(const struct unit_checks *c)
{
    return &c->ops;
}

bool unit_checks_any(const struct unit_checks *c)
{
    return c->all;
}

int unit_checks_new(struct event_base *base, struct unit_checks **ret_c)
{
    struct unit_checks *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->ops = (struct check_units){c, follow, unfollow};
    c->reporting = event_new(base, -1, 0, report_states, c);
    if (!c->reporting) {
        free(c);
        return -ENOMEM;
    }
    *ret_c = c;
    return 0;
}

void unit_checks_free(struct unit_checks *c)
{
    if (!c)
        return;
    event_free(c->reporting);
    free(c);
}
