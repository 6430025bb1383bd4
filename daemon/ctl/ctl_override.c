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

#define OVERRIDES_TOLD 64 /* by a status: the first of them */

struct override_options {
    const char *reason;
    uint32_t grace_ms;
    bool at_once;
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

static int set_no_wait(void *arg, const char *value)
{
    struct override_options *o = arg;
    (void)value;
    o->at_once = true;
    return 0;
}

const struct option_spec override_specs[] = {
    {"reason", "TEXT", "why, for whoever asks (status, explain); at most 255 bytes", set_reason},
    {"grace", "TIME", "calls under way end in that time, as 30s: draining, then maintenance; returns when that is so",
     set_grace},
    {"no-wait", NULL, "with --grace: return at once; the daemon sees to the end", set_no_wait},
    {"traceparent", "T", "the trace context (W3C) it comes with (default: $TRACEPARENT)", ctl_option_traceparent},
    {NULL, NULL, NULL, NULL},
};

static int print_help(const char *usage, const char *text, const struct option_spec *specs)
{
    printf("Usage: discoverctl %s\n\n%s\n%s", usage, text, WHAT);
    if (specs) {
        putchar('\n');
        options_print(specs, stdout);
    }
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

/* Whether what was set, and waited for, is still there: somebody may have taken it back meanwhile. */
struct still {
    const char *service, *instance;
    enum discover_state state;
    bool found;
};

static void find_still(void *arg, const struct discover_status *s)
{
    struct still *still = arg;
    for (size_t i = 0; i < s->n_overrides; i++) {
        const struct discover_override_info *o = &s->overrides[i];
        still->found |= o->state == still->state && strcmp(o->service, still->service) == 0 &&
                        strcmp(o->instance, still->instance) == 0;
    }
    still->found |= s->n_overrides == OVERRIDES_TOLD;
}

/* A daemon that cannot be asked now sees to it all the same, when it is back. */
static int check_still(const struct ctl *ctl, struct still *still)
{
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    int err = d ? discover_status(d, find_still, still) : -ENOTCONN;
    discover_free(d);
    if (err < 0 || still->found)
        return CTL_DONE;
    ctl_note("%s%s%s: taken back meanwhile", *still->service ? still->service : "this host",
             *still->instance ? " " : "", still->instance);
    return CTL_FAILED;
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
    if (status == CTL_DONE)
        status = ctl_check_name("instance", instance);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    int err = on ? discover_override_grace(d, service, instance, state, o->reason ? o->reason : "", o->grace_ms)
                 : discover_override(d, service, instance, state, 0);
    if (err < 0)
        status = ctl_failed(d, command, err);
    else if (on)
        note_if_absent(d, service, instance);
    discover_free(d);
    if (err < 0 || !o->grace_ms || o->at_once)
        return status;
    wait_ms(o->grace_ms);
    return check_still(ctl, &(struct still){service, instance, state, false});
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
    if (o.at_once && !o.grace_ms)
        return ctl_usage_error("--no-wait goes with --grace");
    return ask(ctl, words.n > 0 ? words.word[0] : "", words.n > 1 ? words.word[1] : "", command, state, on, &o);
}

int cmd_drain(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("drain [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME [--no-wait]]",
                          "No new calls: look-ups leave these instances out, though they run on, until undrain.",
                          override_specs);
    return override(ctl, argv, "drain", DISCOVER_DRAINING, 1);
}

int cmd_undrain(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("undrain [DOMAIN/SERVICE [INSTANCE]]", "Takes back what drain said with the same words.",
                          NULL);
    return override(ctl, argv, "undrain", DISCOVER_DRAINING, 0);
}

int cmd_maintenance(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("maintenance on|off [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME [--no-wait]]",
                          "These instances are not to be used, whether they run or not; off takes it back.",
                          override_specs);
    int on = *argv && strcmp(*argv, "on") == 0;
    if (!on && !(*argv && strcmp(*argv, "off") == 0))
        return ctl_usage_error("maintenance needs on or off");
    return override(ctl, argv + 1, "maintenance", DISCOVER_MAINTENANCE, on);
}
