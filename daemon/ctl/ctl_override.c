/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl drain, undrain, maintenance: a state that an operator sets for instances of this host. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/commands.h"

#define OVERRIDES_SHOWN 64 /* a status has so many at most, and leaves out the others */

struct override_options {
    const char *reason;
    uint32_t grace_ms;
    bool at_once;
};

#define AT(member) offsetof(struct override_options, member)
#define TRACEPARENT                                                                                                    \
    {                                                                                                                  \
        "traceparent", "T", "the trace context (W3C) it comes with (default: $TRACEPARENT)", ctl_option_traceparent,   \
            0, 0, 0                                                                                                    \
    }

static const struct option_spec set_specs[] = {
    {"reason", "TEXT", "why, for whoever asks (status, explain); at most 255 bytes", option_text, AT(reason), 0, 255},
    {"grace", "TIME", "calls under way end in that time, as 30s: draining, then maintenance; returns when that is so",
     option_time, AT(grace_ms), 1, 0},
    {"no-wait", NULL, "with --grace: return at once; the daemon sees to the end", option_flag, AT(at_once), 0, 0},
    TRACEPARENT,
    {.name = NULL},
};

static const struct option_spec undrain_specs[] = {TRACEPARENT, {.name = NULL}};

static int count_own(void *arg, const struct discover_instance *i)
{
    const char *instance = ((const char **)arg)[0];
    bool own = i->endpoint.tier == DISCOVER_HOST && (!*instance || strcmp(i->instance, instance) == 0);
    return own ? 1 : 0; /* one is enough: not 0 ends the search */
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
    still->found |= s->n_overrides == OVERRIDES_SHOWN;
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

/* Sets it, or takes it back; and waits as long as was asked for, disconnected. words: of the instances. */
static int override(const struct call *call, enum discover_state state, bool on, const char *const *words)
{
    const struct override_options *o = call->options;
    const char *name = call->command->name, *service = words[0], *instance = words[1];
    int status;
    if (!on && (o->reason || o->grace_ms))
        return ctl_usage_error("%s: --reason and --grace are for what sets a state", name);
    if (o->at_once && !o->grace_ms)
        return ctl_usage_error("%s: --no-wait goes with --grace", name);
    struct discover *d = ctl_connect(call->ctl, &status);
    if (!d)
        return status;
    int err = on ? discover_override_grace(d, service, instance, state, o->reason ? o->reason : "", o->grace_ms)
                 : discover_override(d, service, instance, state, 0);
    status = ctl_result(d, name, err);
    if (err >= 0 && on)
        note_if_absent(d, service, instance);
    discover_free(d);
    if (err < 0 || !o->grace_ms || o->at_once)
        return status;
    wait_ms(o->grace_ms);
    return check_still(call->ctl, &(struct still){service, instance, state, false});
}

static int run(const struct call *call)
{
    const char *const *words = call->words.word;
    if (call->command == &maintenance_command)
        return override(call, DISCOVER_MAINTENANCE, strcmp(words[0], "on") == 0, words + 1);
    return override(call, DISCOVER_DRAINING, call->command == &drain_command, words);
}

#define WHICH                                                                                                          \
    "\nWithout DOMAIN/SERVICE: everything on this host; without INSTANCE: all of the service on this host. It holds "  \
    "for\nwhat will be registered, too, and over restarts. Only root, the daemon's user, and whom api.policy lets.\n"

const struct command drain_command = {
    .name = "drain",
    .summary = "no new calls to instances of this host",
    .usage = "drain [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME [--no-wait]]",
    .help = "No new calls: look-ups leave these instances out, though they run on, until undrain.\n" WHICH,
    .takes = {WORD_SERVICE | WORD_MAY, WORD_INSTANCE},
    .options = set_specs,
    .options_size = sizeof(struct override_options),
    .alone = true,
    .run = run,
};

const struct command undrain_command = {
    .name = "undrain",
    .summary = "take that back",
    .usage = "undrain [DOMAIN/SERVICE [INSTANCE]]",
    .help = "Takes back what drain said with the same words.\n" WHICH,
    .takes = {WORD_SERVICE | WORD_MAY, WORD_INSTANCE},
    .options = undrain_specs,
    .options_size = sizeof(struct override_options),
    .alone = true,
    .run = run,
};

const struct command maintenance_command = {
    .name = "maintenance",
    .summary = "on|off: instances of this host are not to be used",
    .usage = "maintenance on|off [DOMAIN/SERVICE [INSTANCE]] [--reason TEXT] [--grace TIME [--no-wait]]",
    .help = "These instances are not to be used, whether they run or not; off takes it back.\n" WHICH,
    .takes = {WORD_CHOICE, WORD_SERVICE | WORD_MAY, WORD_INSTANCE},
    .choices = "on off",
    .options = set_specs,
    .options_size = sizeof(struct override_options),
    .alone = true,
    .run = run,
};
