/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl failover: which region answers for a service on this host. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"

#define REGION_CAP 256 /* what is too long for a name is refused as one, not cut to it */

static int print_help(void)
{
    fputs("Usage: discoverctl failover DOMAIN/SERVICE auto|off|REGION\n\n"
          "Which region answers for the service on this host: REGION, whatever the own one has; the own one, whatever\n"
          "it lacks (off); or whoever failover finds (auto), as at first. It holds over restarts, and counts at once.\n"
          "status and explain tell of it. Only root and the daemon's user may, and who may set states (api.policy).\n",
          stdout);
    return CTL_DONE;
}

static void take_region(void *arg, const struct discover_status *s)
{
    snprintf(arg, REGION_CAP, "%s", s->region);
}

/* The word of the command line, as discover_failover has it: off is the own region. */
static int region_of(struct discover *d, const char *word, char ret_region[static REGION_CAP])
{
    if (strcmp(word, "off") == 0)
        return discover_status(d, take_region, ret_region);
    snprintf(ret_region, REGION_CAP, "%s", strcmp(word, "auto") == 0 ? "" : word);
    return 0;
}

static int count_one(void *arg, const struct discover_instance *i)
{
    (void)arg;
    return i->usable ? 1 : 0;
}

/* Calls go there from now on: who mistyped it should know at once. */
static void note_if_none(struct discover *d, const char *service, const char *region)
{
    char ref[512];
    snprintf(ref, sizeof ref, "%s@%s", service, region);
    if (discover_each_instance(d, ref, count_one, NULL) != 1)
        ctl_note("%s: no usable instance is known of it", ref);
}

int cmd_failover(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help();
    if (!argv[0] || !argv[1] || argv[2])
        return ctl_usage_error("failover needs a service, and auto, off or a region");
    const char *service = argv[0];
    char region[REGION_CAP] = "";
    int status = ctl_check_service(service);
    if (status == CTL_DONE)
        status = ctl_check_name("region", argv[1]);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    int err = region_of(d, argv[1], region);
    if (!err)
        err = discover_failover(d, service, region);
    if (err < 0)
        status = ctl_failed(d, "failover", err);
    else if (*region && strcmp(argv[1], "off") != 0)
        note_if_none(d, service, region);
    discover_free(d);
    return status;
}
