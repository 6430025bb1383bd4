/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D-Bus on the loop, and what is asked of systemd (org.freedesktop.systemd1(5)):
 *
 *   1. connect; nothing waits for the answers to what follows
 *   2. Subscribe, without which systemd sends signals of no unit; the instances of templates; UnitPath, the folders of units' files
 *   3. of each unit that is watched: hear its changes, then ask for ActiveState and MainPID
 *   4. a change: ask again; an instance of a template that comes or goes: list them again. Reloading that is over: 2 and 3 again
 *   5. lost: forget what was asked, keep what is known, back to 1 after a while
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/base/loop_meter.h"
#include "daemon/units/units_impl.h"
#include "libdiscover/core/clock.h"

#define SYSTEMD       "org.freedesktop.systemd1"
#define MANAGER       "/org/freedesktop/systemd1"
#define I_MANAGER     "org.freedesktop.systemd1.Manager"
#define I_UNIT        "org.freedesktop.systemd1.Unit"
#define I_SERVICE     "org.freedesktop.systemd1.Service"
#define I_PROPERTY    "org.freedesktop.DBus.Properties"
#define AT_ONCE       16 /* messages, before the loop goes on */
#define FOLDERS_MAX   64
#define INSTANCES_MAX 10000

/* What ListUnits has of each. */
#define UNIT_LISTED_MEMBERS "ssssssouso"
#define UNIT_LISTED         "(" UNIT_LISTED_MEMBERS ")"
#define LONGEST_US          INT64_C(3600000000)

static const int64_t first_ns = 100 * NS_PER_MS, longest_ns = 5 * NS_PER_S;

static void arm(struct units *u);

/* On systemd's own socket it is the only other end, and has no name. */
static const char *peer(const struct units *u)
{
    return strcmp(u->address, "system") == 0 ? SYSTEMD : NULL;
}

/* --- 5 --- */

static void disconnect(struct units *u)
{
    for (struct unit *unit = u->all; unit; unit = unit->hh.next)
        unit_unlink(unit);
    u->listing = sd_bus_slot_unref(u->listing);
    u->list_again = false;
    if (u->event)
        event_free(u->event);
    u->event = NULL;
    u->bus = sd_bus_close_unref(u->bus);
    metric_set(&u->metrics.connected, 0);
}

/* Said once for each reason: while nobody is there, each try ends in the same way. */
static void lose(struct units *u, int err)
{
    int64_t now_ns = clock_now_ns();
    char text[sizeof u->error];
    disconnect(u);
    snprintf(text, sizeof text, "%s", strerror(-err));
    if (u->connected || strcmp(text, u->error) != 0)
        log_warning("systemd cannot be asked for its units (systemd.bus %s): %s; what is known of them stays",
                    u->address, text);
    strcpy(u->error, text);
    metric_add(&u->metrics.disconnects, u->connected);
    u->connected = false;
    loop_timer_arm(&u->reconnect, now_ns + backoff_next(&u->backoff, (uint32_t)now_ns), now_ns);
}

/* --- 3 --- */

static enum unit_state state_of(const char *active)
{
    static const struct {
        const char *word;
        enum unit_state state;
    } words[] = {{"active", UNIT_UP},           {"reloading", UNIT_UP},          {"refreshing", UNIT_UP},
                 {"activating", UNIT_STARTING}, {"deactivating", UNIT_STOPPING}, {"maintenance", UNIT_STOPPING}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(active, words[i].word) == 0)
            return words[i].state;
    return UNIT_GONE;
}

static int get(struct unit *unit, const char *interface, const char *property, sd_bus_message_handler_t fn)
{
    return sd_bus_call_method_async(unit->units->bus, &unit->question, peer(unit->units), unit->path, I_PROPERTY, "Get",
                                    fn, unit, "ss", interface, property);
}

/* What has changed meanwhile is asked for first. */
static void end_question(struct unit *unit, enum unit_state state, pid_t main_pid)
{
    if (unit->again)
        unit_ask(unit);
    else
        unit_notify(unit, state, main_pid);
}

static int on_main_pid(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct unit *unit = arg;
    uint32_t pid = 0;
    (void)ignored;
    unit->question = sd_bus_slot_unref(unit->question);
    if (!sd_bus_message_is_method_error(m, NULL)) /* what is no service has no such property */
        (void)sd_bus_message_read(m, "v", "u", &pid);
    end_question(unit, unit->answered, (pid_t)pid);
    return 0;
}

/* Not loaded is inactive. Whatever else it could not say: what is known stays. */
static void on_refusal(struct unit *unit, sd_bus_message *m)
{
    if (unit->again || sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
        end_question(unit, UNIT_GONE, 0);
}

static int on_active_state(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct unit *unit = arg;
    const char *active = "";
    (void)ignored;
    unit->question = sd_bus_slot_unref(unit->question);
    if (sd_bus_message_is_method_error(m, NULL)) {
        on_refusal(unit, m);
        return 0;
    }
    (void)sd_bus_message_read(m, "v", "s", &active);
    unit->answered = state_of(active);
    (void)get(unit, I_SERVICE, "MainPID", on_main_pid);
    return 0;
}

static int on_loaded(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct unit *unit = arg;
    (void)ignored;
    unit->question = sd_bus_slot_unref(unit->question);
    if (sd_bus_message_is_method_error(m, NULL))
        on_refusal(unit, m);
    else
        (void)get(unit, I_UNIT, "ActiveState", on_active_state);
    return 0;
}

static int on_changed(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    (void)m, (void)ignored;
    unit_ask(arg);
    return 0;
}

static int ignore_answer(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    (void)m, (void)arg, (void)ignored;
    return 0;
}

void unit_ask(struct unit *unit)
{
    struct units *u = unit->units;
    if (!u->bus)
        return;
    unit->again = unit->question != NULL;
    if (unit->again)
        return;
    if (!unit->changes)
        (void)sd_bus_match_signal_async(u->bus, &unit->changes, peer(u), unit->path, I_PROPERTY, "PropertiesChanged",
                                        on_changed, ignore_answer, unit);
    /* Whether it is loaded goes first: to ask one that is not for its state loads it, and lets it go, which is signalled as a change. */
    (void)sd_bus_call_method_async(u->bus, &unit->question, peer(u), MANAGER, I_MANAGER, "GetUnit", on_loaded, unit,
                                   "s", unit->name);
    metric_inc(&u->metrics.asked);
    arm(u);
}

void unit_unlink(struct unit *unit)
{
    unit->changes = sd_bus_slot_unref(unit->changes);
    unit->question = sd_bus_slot_unref(unit->question);
    unit->again = false;
}

/* --- 2 --- */

static int on_folders(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct units *u = arg;
    const char *folders[FOLDERS_MAX];
    size_t n = 0;
    (void)ignored;
    if (sd_bus_message_is_method_error(m, NULL))
        return 0;
    if (!u->connected)
        log_notice("following the units of systemd (systemd.bus %s)", u->address);
    u->connected = true;
    u->error[0] = '\0';
    metric_set(&u->metrics.connected, 1);
    metric_inc(&u->metrics.connects);
    backoff_reset(&u->backoff);
    if (sd_bus_message_enter_container(m, 'v', "as") < 0 || sd_bus_message_enter_container(m, 'a', "s") < 0)
        return 0;
    while (n < FOLDERS_MAX && sd_bus_message_read_basic(m, 's', &folders[n]) > 0)
        n++;
    if (u->ops.folders)
        u->ops.folders(u->ops.arg, folders, n);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The first member of each structure is the unit's name. */
static void report_instances(struct units *u, sd_bus_message *m)
{
    const char **names = calloc(INSTANCES_MAX, sizeof *names);
    size_t n = 0;
    if (!names || sd_bus_message_enter_container(m, 'a', UNIT_LISTED) < 0) {
        free(names);
        return;
    }
    while (n < INSTANCES_MAX && sd_bus_message_enter_container(m, 'r', UNIT_LISTED_MEMBERS) > 0) {
        n += sd_bus_message_read(m, "s", &names[n]) > 0;
        if (sd_bus_message_skip(m, "sssssouso") < 0 || sd_bus_message_exit_container(m) < 0)
            break;
    }
    qsort(names, n, sizeof *names, by_name);
    u->ops.instances(u->ops.arg, names, n);
    free(names);
}

static int list_instances(struct units *u);

static int on_instances(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct units *u = arg;
    (void)ignored;
    u->listing = sd_bus_slot_unref(u->listing);
    if (!sd_bus_message_is_method_error(m, NULL))
        report_instances(u, m);
    if (u->list_again)
        (void)list_instances(u);
    return 0;
}

static int list_instances(struct units *u)
{
    u->list_again = u->listing != NULL;
    if (u->list_again || !u->ops.instances)
        return 0;
    return sd_bus_call_method_async(u->bus, &u->listing, peer(u), MANAGER, I_MANAGER, "ListUnitsByPatterns",
                                    on_instances, u, "asas", 0, 1, "*@?*.service");
}

static int ask_all(struct units *u)
{
    int r = list_instances(u);
    if (r < 0)
        return r;
    r = sd_bus_call_method_async(u->bus, NULL, peer(u), MANAGER, I_PROPERTY, "Get", on_folders, u, "ss", I_MANAGER,
                                 "UnitPath");
    for (struct unit *unit = u->all; unit && r >= 0; unit = unit->hh.next)
        unit_ask(unit);
    return r;
}

/* --- 4 --- */

static int on_reloading(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct units *u = arg;
    int begins = 1;
    (void)ignored;
    if (sd_bus_message_read(m, "b", &begins) >= 0 && !begins)
        (void)ask_all(u);
    return 0;
}

/* One that was not loaded, or is not any more: its path on the bus says which. */
static int on_unit(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
    struct units *u = arg;
    struct unit *unit;
    const char *name;
    (void)ignored;
    if (sd_bus_message_read(m, "s", &name) < 0)
        return 0;
    HASH_FIND_STR(u->all, name, unit);
    if (unit)
        unit_ask(unit);
    if (strchr(name, '@'))
        (void)list_instances(u);
    return 0;
}

static int hear(struct units *u, const char *signal, sd_bus_message_handler_t fn)
{
    return sd_bus_match_signal_async(u->bus, NULL, peer(u), MANAGER, I_MANAGER, signal, fn, ignore_answer, u);
}

/* --- 1 --- */

static int open_bus(struct units *u)
{
    if (peer(u))
        return sd_bus_open_system(&u->bus);
    int r = sd_bus_new(&u->bus);
    if (r >= 0)
        r = sd_bus_set_address(u->bus, u->address);
    if (r >= 0)
        r = sd_bus_start(u->bus);
    return r;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct units *u = arg;
    int r = 1;
    (void)fd, (void)what;
    loop_meter_enter();
    for (int i = 0; i < AT_ONCE && r > 0; i++)
        r = sd_bus_process(u->bus, NULL);
    if (r < 0)
        lose(u, r);
    else
        arm(u);
    loop_meter_leave();
}

/* Its own clock (sd_bus_get_timeout(3)). */
static int64_t bus_now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* What the bus waits for changes with each message. */
static void arm(struct units *u)
{
    uint64_t until_us = UINT64_MAX;
    int events = sd_bus_get_events(u->bus), r = sd_bus_get_timeout(u->bus, &until_us);
    if (!u->event || events < 0 || r < 0)
        return;
    short what = (short)((events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
    int64_t left_us = until_us == UINT64_MAX ? INT64_MAX : (int64_t)until_us - bus_now_us();
    left_us = left_us < 0 ? 0 : left_us < LONGEST_US ? left_us : LONGEST_US;
    struct timeval tv = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    event_del(u->event);
    event_assign(u->event, u->base, sd_bus_get_fd(u->bus), what, on_event, u);
    event_add(u->event, &tv);
}

static void on_reconnect(void *arg)
{
    struct units *u = arg;
    int r = open_bus(u);
    if (r >= 0)
        r = hear(u, "Reloading", on_reloading);
    if (r >= 0)
        r = hear(u, "UnitNew", on_unit);
    if (r >= 0)
        r = hear(u, "UnitRemoved", on_unit);
    if (r >= 0)
        r = sd_bus_call_method_async(u->bus, NULL, peer(u), MANAGER, I_MANAGER, "Subscribe", ignore_answer, u, "");
    if (r >= 0)
        r = ask_all(u);
    if (r >= 0) {
        u->event = event_new(u->base, sd_bus_get_fd(u->bus), EV_READ, on_event, u);
        r = u->event ? 0 : -ENOMEM;
    }
    if (r < 0)
        lose(u, r);
    else
        arm(u);
}

int units_bus_init(struct units *u)
{
    backoff_init(&u->backoff, first_ns, longest_ns);
    return loop_timer_init(&u->reconnect, u->base, on_reconnect, u);
}

void units_bus_fini(struct units *u)
{
    disconnect(u);
    loop_timer_fini(&u->reconnect);
}
