/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl failover: which region answers for a service on this host. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"

/* The word of the command line, as discover_failover has it: off is the own region. */
static int region_of(struct discover *d, const char *word, char ret_region[static LABEL_CAP])
{
    if (strcmp(word, "off") == 0)
        return ctl_own_region(d, ret_region);
    snprintf(ret_region, LABEL_CAP, "%s", strcmp(word, "auto") == 0 ? "" : word);
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
    char ref[SERVICE_REF_CAP];
    snprintf(ref, sizeof ref, "%s@%s", service, region);
    if (discover_each_instance(d, ref, count_one, NULL) != 1)
        ctl_note("%s: no usable instance is known of it", ref);
}

static int run(const struct call *call)
{
    const char *service = call->words.word[0], *word = call->words.word[1];
    char region[LABEL_CAP] = "";
    int err = region_of(call->d, word, region);
    if (!err)
        err = discover_failover(call->d, service, region);
    if (err >= 0 && *region && strcmp(word, "off") != 0)
        note_if_none(call->d, service, region);
    return ctl_result(call->d, "failover", err);
}

const struct command failover_command = {
    .name = "failover",
    .summary = "auto|off|REGION: which region answers for a service on this host",
    .usage = "failover DOMAIN/SERVICE auto|off|REGION",
    .help =
        "Which region answers for the service on this host: REGION, whatever the own one has; the own one, whatever\n"
        "it lacks (off); or whoever failover finds (auto), as at first. It holds over restarts, and counts at once.\n"
        "status and explain show it. Only root and the daemon's user may, and who may set states (api.policy).\n",
    .takes = {WORD_SERVICE, WORD_REGION},
    .run = run,
};
