/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl drain, undrain, maintenance: a state that an operator sets for instances of this host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/commands.h"

#define WHAT                                                                                                           \
    "Without DOMAIN/SERVICE: everything on this host; without INSTANCE: all of the service on this host. "             \
    "It holds for\n"                                                                                                   \
    "what will be registered, too, and over restarts. Only root and the daemon's user may.\n"

struct override_options {
    const char *reason;
    uint32_t grace_ms;
};

static int set_reason(void *arg, const char *value)
{
    struct override_options *o = arg;
    o->reason = value;
    return strlen(value) < 256 ? 0 : -EINVAL;
}

static int set_grace(void *arg, const char *value)
{
    struct override_options *o = arg;
    return option_time_ms(value, &o->grace_ms);
}

const struct option_spec override_specs[] = {
    {"reason", "TEXT", "why, for whoever asks (status, explain); at most 255 bytes", set_reason},
    {"grace", "TIME", "return after that time, when calls under way should have ended", set_grace},
    {NULL, NULL, NULL, NULL},
};

static int print_help(const char *usage, const char *text)
{
    printf("Usage: discoverctl %s\n\n%s\n%s\n", usage, text, WHAT);
    options_print(override_specs, stdout);
    return CTL_DONE;
}

static int count_own(void *arg, const struct discover_instance *i)
{
    const char *instance = ((const char **)arg)[0];
    bool own = i->endpoint.tier == DISCOVER_HOST && (!*instance || strcmp(i->instance, instance) == 0);
    return own ? 1 : 0; /* one is enough */
}

/* A mistyped name would be drained without a word otherwise. */
static void note_if_absent(struct discover *d, const char *service, const char *instance)
{
    if (*service && ctl_each_own_instance(d, service, count_own, &instance) != 1)
        ctl_note("%s%s%s: not on this host now; it holds for when it comes", service, *instance ? " " : "", instance);
}

static void wait_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (ms && nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

/* Sets it, or takes it back; and waits as long as was asked for, disconnected. */
static int ask(const struct ctl *ctl, const char *service, const char *instance, const char *command,
               enum discover_state state, int on, const struct override_options *o)
{
    int status = *service ? ctl_check_service(service) : CTL_DONE;
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    int err = on ? discover_override_because(d, service, instance, state, o->reason ? o->reason : "")
                 : discover_override(d, service, instance, state, 0);
    if (err < 0)
        status = ctl_failed(d, command, err);
    else if (on)
        note_if_absent(d, service, instance);
    discover_free(d);
    if (err >= 0)
        wait_ms(o->grace_ms);
    return status;
}

/* argv: [DOMAIN/SERVICE [INSTANCE]], and options */
static int override(const struct ctl *ctl, char **argv, const char *command, enum discover_state state, int on)
{
    struct override_options o = {.reason = NULL};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (options_parse(override_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n > 2 || words.command)
        return ctl_usage_error("%s: one word too many", words.command ? "--" : words.word[2]);
    if (!on && (o.reason || o.grace_ms))
        return ctl_usage_error("--reason and --grace are for what sets a state");
    return ask(ctl, words.n > 0 ? words.word[0] : "", words.n > 1 ? words.word[1] : "", command, state, on, &o);
}

int cmd_drain(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("drain [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME]",
                          "No new calls: look-ups leave these instances out, though they run on, until undrain.");
    return override(ctl, argv, "drain", DISCOVER_DRAINING, 1);
}

int cmd_undrain(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("undrain [DOMAIN/SERVICE [INSTANCE]]", "Takes back what drain said with the same words.");
    return override(ctl, argv, "undrain", DISCOVER_DRAINING, 0);
}

int cmd_maintenance(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("maintenance on|off [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME]",
                          "These instances are not to be used, whether they run or not; off takes it back.");
    int on = *argv && strcmp(*argv, "on") == 0;
    if (!on && !(*argv && strcmp(*argv, "off") == 0))
        return ctl_usage_error("maintenance needs on or off");
    return override(ctl, argv + 1, "maintenance", DISCOVER_MAINTENANCE, on);
}
