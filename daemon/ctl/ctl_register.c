/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl register: makes a registration and stays for as long as it takes. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/hold.h"
#include "daemon/ctl/register_options.h"
#include "libdiscover/core/clock.h"

/* As a shell says it. */
#define EXIT_NOT_FOUND   127
#define EXIT_NOT_PROGRAM 126

#define DRAIN_DEFAULT_MS 500
#define CALL_TIMEOUT_MS  1000 /* at the end: how long a daemon that hangs can hold up a service's */

#define STORED_WAIT_MS 500
#define STORED_LOOK_MS 5

static int print_register_help(void)
{
    fputs(
        "Usage: discoverctl register DOMAIN/SERVICE --port N [OPTION]... [-- COMMAND...]\n\n"
        "Registers an instance for as long as COMMAND runs, whose exit status it passes on, and to which it passes\n"
        "signals on, SIGTERM after it was drained; COMMAND is started without a daemon too, and registered when there\n"
        "is one; with --instance it takes the name over from one that still runs. Without COMMAND, --ttl or --pid: "
        "until it is told to stop.\n\n",
        stdout);
    options_print(register_specs, stdout);
    return CTL_DONE;
}

static int print_registered(const struct ctl *ctl, const struct register_options *o,
                            const struct discover_registration *r)
{
    const char *instance = discover_registration_instance(r);
    if (ctl->json)
        return ctl_print_json(json_pack("{s:s, s:s}", "service", o->service, "instance", instance));
    if (o->ttl_ms)
        printf("registered %s instance %s: it lives %g s, unless it is registered again with --instance %s\n",
               o->service, instance, (double)o->ttl_ms / 1000, instance);
    else if (o->pid)
        printf("registered %s instance %s: it lives as long as process %u\n", o->service, instance, o->pid);
    else
        printf("registered %s instance %s: it lives as long as this program\n", o->service, instance);
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

static void take_write_state(void *arg, const struct discover_status *s)
{
    bool waiting = s->bus_connected && s->unacknowledged > 0 && !*s->write_refusal;
    if (*s->write_refusal)
        ctl_note("registered on this host alone, NATS does not store it: %s", s->write_refusal);
    *(bool *)arg = waiting;
}

/* What NATS says comes some milliseconds later; when it says nothing, or is not there, it is put when it is. */
static void tell_refusal(struct discover *d)
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

/* No other host would hear of it as long as another one has this host's name: to seem to succeed would be a lie. */
static bool name_is_taken(struct discover *d)
{
    bool taken = false;
    return discover_status(d, take_name_taken, &taken) >= 0 && taken;
}

/* What the command runs under. */
struct running {
    struct discover *d;
    struct discover_registration *r;
    const struct register_options *o;
};

/* Nobody waits for a daemon that hangs: what draining could not say in that time, the end of the connection says. */
static int64_t drain(void *arg)
{
    const struct running *run = arg;
    uint32_t ms = run->o->drain_ms;
    if (ms == REGISTER_DRAIN_DEFAULT)
        ms = discover_connected(run->d) ? DRAIN_DEFAULT_MS : 0;
    (void)!discover_set_timeout(run->d, (int)ms);
    if (ms)
        (void)!discover_drain(run->d, run->r);
    return ms * NS_PER_MS;
}

static int run_command(struct running *run, struct hold *h)
{
    char **command = run->o->command;
    pid_t child;
    h->drain = drain;
    h->arg = run;
    int err = hold_start(h, command, &child);
    if (!err) {
        if (discover_connected(run->d))
            tell_refusal(run->d);
        return hold_run(h, run->d, child);
    }
    ctl_note("%s: %s", command[0], discover_strerror(err));
    return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_PROGRAM;
}

/*
 * The end of the connection would take it back as well, but at some time after we have ended: whoever looks it up in
 * the next line of his script shall not find it. A daemon that is away has forgotten it.
 */
static void take_back(struct discover *d, const struct register_options *o, const struct discover_registration *r)
{
    (void)!discover_deregister(d, o->service, discover_registration_instance(r));
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

static int register_now(struct discover *d, const struct register_options *o, struct discover_registration *r)
{
    bool may_wait = o->command && !o->require;
    if (may_wait && !discover_connected(d))
        return register_later(d, r);
    int err = discover_register(d, r);
    return may_wait && (err == DISCOVER_E_UNSYNCED || err == -ETIMEDOUT) ? 0 : err;
}

/* Registers, and stays for as long as it takes. */
static int register_and_hold(const struct ctl *ctl, const struct register_options *o, struct hold *h,
                             struct discover_registration *r)
{
    int status;
    struct discover *d = o->command && !o->require ? ctl_open(ctl, &status) : ctl_connect(ctl, &status);
    if (!d)
        return status;
    struct running run = {d, r, o};
    bool taken = discover_connected(d) && name_is_taken(d);
    int err = taken ? DISCOVER_E_CONFLICT : register_now(d, o, r);
    if (taken)
        status = CTL_FAILED;
    else if (err < 0)
        status = ctl_failed(d, o->service, err);
    else if (o->command)
        status = run_command(&run, h);
    else
        status = print_registered(ctl, o, r);
    if (!err && !o->command)
        tell_refusal(d);
    bool bound = !o->command && !o->ttl_ms && !o->pid;
    if (!err && bound && status == CTL_DONE)
        status = hold_run(h, d, 0);
    if (!err && (bound || o->command))
        take_back(d, o, r);
    discover_free(d);
    return status;
}

int cmd_register(const struct ctl *ctl, char **argv)
{
    struct register_options o;
    struct discover_registration *r;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_register_help();
    if (register_options_parse(argv, &o, why) < 0 || register_options_build(&o, &r, why) < 0)
        return ctl_usage_error("%s", why);
    struct hold h;
    int err = hold_init(&h);
    int status = err < 0 ? ctl_failed(NULL, "cannot take signals", err) : register_and_hold(ctl, &o, &h, r);
    hold_fini(&h);
    discover_registration_free(r);
    return status;
}
