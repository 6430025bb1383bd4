/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl drain, undrain, maintenance: a state that an operator sets for instances of this host. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl.h"

#define WHAT                                                                                                           \
    "Without DOMAIN/SERVICE: everything on this host; without INSTANCE: all of the service on this host. "             \
    "It holds for\n"                                                                                                   \
    "what will be registered, too, and over restarts. Only root and the daemon's user may.\n"

static int print_help(const char *usage, const char *text)
{
    printf("Usage: discoverctl %s\n\n%s\n%s", usage, text, WHAT);
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

/* words: [DOMAIN/SERVICE [INSTANCE]] */
static int override(const struct ctl *ctl, char **words, const char *command, enum discover_state state, int on)
{
    const char *service = *words ? *words++ : "", *instance = *words ? *words++ : "";
    int status = *service ? ctl_check_service(service) : CTL_DONE;
    if (*words)
        return ctl_usage_error("%s: one word too many", *words);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    int err = discover_override(d, service, instance, state, on);
    if (err < 0)
        status = ctl_failed(d, command, err);
    else if (on)
        note_if_absent(d, service, instance);
    discover_free(d);
    return status;
}

int cmd_drain(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("drain [DOMAIN/SERVICE [INSTANCE]]",
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
        return print_help("maintenance on|off [DOMAIN/SERVICE [INSTANCE]]",
                          "These instances are not to be used, whether they run or not; off takes it back.");
    int on = *argv && strcmp(*argv, "on") == 0;
    if (!on && !(*argv && strcmp(*argv, "off") == 0))
        return ctl_usage_error("maintenance needs on or off");
    return override(ctl, argv + 1, "maintenance", DISCOVER_MAINTENANCE, on);
}
