/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl register: registers an instance and holds it until a signal, or until the command has ended. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/hold.h"
#include "daemon/ctl/register_options.h"
#include "libdiscover/core/clock.h"

#define DRAIN_DEFAULT_MS 500
#define CALL_TIMEOUT_MS  1000 /* so long a daemon that hangs can delay the end of a service */

#define STORED_WAIT_MS 500
#define STORED_LOOK_MS 5

/* The arguments of the command. */
struct asked {
    const struct ctl *ctl;
    const char *service;
    char **command; /* NULL: none */
    const struct register_options *o;
};

static int print_registered(const struct asked *a, const struct discover_registration *r)
{
    const struct register_options *o = a->o;
    const char *instance = discover_registration_instance(r);
    if (a->ctl->json)
        return ctl_print_json(json_pack("{s:s, s:s}", "service", a->service, "instance", instance));
    if (o->ttl_ms)
        printf("registered %s instance %s: it lives %g s, unless it is registered again with --instance %s\n",
               a->service, instance, (double)o->ttl_ms / 1000, instance);
    else if (o->pid)
        printf("registered %s instance %s: it lives as long as process %u\n", a->service, instance, o->pid);
    else
        printf("registered %s instance %s: it lives as long as this program\n", a->service, instance);
    return ctl_flush();
}

static void take_write_state(void *arg, const struct discover_status *s)
{
    bool waiting = s->bus_connected && s->unacknowledged > 0 && !*s->write_refusal;
    if (*s->write_refusal)
        ctl_note("registered on this host alone, NATS does not store it: %s", s->write_refusal);
    *(bool *)arg = waiting;
}

/* What NATS says comes some milliseconds later; when it says nothing, or is not there, it is put when it is. */
static void print_refusal(struct discover *d)
{
    bool waiting = true;
    for (int i = 0; waiting && i < STORED_WAIT_MS / STORED_LOOK_MS; i++) {
        if (discover_status(d, take_write_state, &waiting) < 0)
            return;
        if (waiting)
            (void)poll(NULL, 0, STORED_LOOK_MS);
    }
}

static void take_name_taken(void *arg, const struct discover_status *s)
{
    if (s->name_taken)
        ctl_note("not registered: %s", s->lease_problem);
    *(bool *)arg = s->name_taken;
}

/* While another machine has this host's name nothing registered here is published: that must not look like success. */
static bool name_is_taken(struct discover *d)
{
    bool taken = false;
    return discover_status(d, take_name_taken, &taken) >= 0 && taken;
}

/* The registration that a command runs under. */
struct running {
    struct discover *d;
    struct discover_registration *r;
    const struct asked *asked;
};

/* Does not wait longer for a daemon that hangs: the end of the connection takes the instance away, too. */
static int64_t drain(void *arg)
{
    const struct running *run = arg;
    uint32_t ms = run->asked->o->drain_ms;
    if (ms == REGISTER_DRAIN_DEFAULT)
        ms = discover_connected(run->d) ? DRAIN_DEFAULT_MS : 0;
    (void)!discover_set_timeout(run->d, (int)ms);
    if (ms)
        (void)!discover_drain(run->d, run->r);
    return ms * NS_PER_MS;
}

static int run_command(struct running *run, struct hold *h)
{
    char **command = run->asked->command;
    pid_t child;
    h->drain = drain;
    h->arg = run;
    int status = hold_start(h, command, &child);
    if (status)
        return status;
    if (discover_connected(run->d))
        print_refusal(run->d);
    return hold_run(h, run->d, child);
}

/*
 * The end of the connection would take it back as well, but at some time after we have ended: whoever looks it up in
 * the next line of his script shall not find it. A daemon that is away has forgotten it.
 */
static void take_back(struct discover *d, const struct asked *a, const struct discover_registration *r)
{
    (void)!discover_deregister(d, a->service, discover_registration_instance(r));
}

/* A service is not to be down for want of a registry: it is registered as soon as there is a daemon. */
static int register_later(struct discover *d, struct discover_registration *r)
{
    int err = discover_set_timeout(d, 1);
    if (!err)
        err = discover_register(d, r);
    if (err != DISCOVER_E_UNSYNCED && err != -ETIMEDOUT)
        return err;
    ctl_note("no daemon answers at %s (%s): the command is started, and registered when one does", discover_socket(d),
             discover_last_error(d));
    return discover_set_timeout(d, CALL_TIMEOUT_MS);
}

static int register_now(struct discover *d, const struct asked *a, struct discover_registration *r)
{
    bool may_wait = a->command && !a->o->require;
    if (may_wait && !discover_connected(d))
        return register_later(d, r);
    int err = discover_register(d, r);
    return may_wait && (err == DISCOVER_E_UNSYNCED || err == -ETIMEDOUT) ? 0 : err;
}

/* Registers, and stays for as long as it takes. */
static int register_and_hold(const struct asked *a, struct hold *h, struct discover_registration *r)
{
    int status;
    struct discover *d = a->command && !a->o->require ? ctl_open(a->ctl, &status) : ctl_connect(a->ctl, &status);
    if (!d)
        return status;
    struct running run = {d, r, a};
    bool taken = discover_connected(d) && name_is_taken(d);
    int err = taken ? DISCOVER_E_CONFLICT : register_now(d, a, r);
    if (taken)
        status = CTL_FAILED;
    else if (err < 0)
        status = ctl_failed(d, a->service, err);
    else if (a->command)
        status = run_command(&run, h);
    else
        status = print_registered(a, r);
    if (!err && !a->command)
        print_refusal(d);
    bool bound = !a->command && !a->o->ttl_ms && !a->o->pid;
    if (!err && bound && status == CTL_DONE)
        status = hold_run(h, d, 0);
    if (!err && (bound || a->command))
        take_back(d, a, r);
    discover_free(d);
    return status;
}

static int run(const struct call *call)
{
    struct asked a = {call->ctl, call->words.word[0], call->words.command, call->options};
    struct discover_registration *r;
    struct hold h;
    char why[OPTIONS_WHY_CAP];
    if (register_options_check(a.o, a.command != NULL, why) < 0 ||
        register_options_build(a.service, a.o, a.command != NULL, &r, why) < 0)
        return ctl_usage_error("register: %s", why);
    int err = hold_init(&h);
    int status = err < 0 ? ctl_failed(NULL, "cannot take signals", err) : register_and_hold(&a, &h, r);
    hold_fini(&h);
    discover_registration_free(r);
    return status;
}

const struct command register_command = {
    .name = "register",
    .summary = "register an instance of a service on this host",
    .usage = "register DOMAIN/SERVICE --port N [OPTION]... [-- COMMAND...]",
    .help =
        "Registers an instance for as long as COMMAND runs, whose exit status it passes on, and to which it passes\n"
        "signals on, SIGTERM after it was drained; COMMAND is started without a daemon too, and registered when there\n"
        "is one; with --instance it takes the name over from one that still runs. Without COMMAND, --ttl or --pid:\n"
        "until it is told to stop.\n",
    .takes = {WORD_SERVICE},
    .takes_command = true,
    .options = register_specs,
    .options_size = sizeof(struct register_options),
    .defaults = &register_defaults,
    .alone = true,
    .run = run,
};
