/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl regions: the other regions that this host reads, nearest first. */
#include <stdio.h>

#include "daemon/ctl/ctl.h"
#include "daemon/documents/documents.h"

static void print_json(void *arg, const struct discover_status *s)
{
    *(int *)arg = ctl_print_json(regions_document(s));
}

static void print_region(const struct discover_region *r)
{
    printf("%-16s %-12s", r->name, r->state);
    if (r->stale_ms > 0)
        printf(" for %.1f s", (double)r->stale_ms / 1000);
    printf(" %u hosts, %u services, %u/%u instances", r->hosts, r->services, r->usable, r->instances);
    if (*r->mirror)
        printf(", mirror %s", r->mirror);
    if (*r->reason)
        printf("; %s", r->reason);
    if (*r->error)
        printf(": %s", r->error);
    printf("\n");
}

static void print_text(void *arg, const struct discover_status *s)
{
    printf("%-16s this host's own: %s\n", s->region, s->sync);
    for (size_t i = 0; i < s->n_regions; i++)
        print_region(&s->regions[i]);
    *(int *)arg = fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

int cmd_regions(const struct ctl *ctl, char **argv)
{
    int status;
    if (ctl_wants_help(argv)) {
        fputs("Usage: discoverctl regions\n\n"
              "The own region, and a line for each other one that this host reads: its name, how it is (live, stale,\n"
              "catching up, or never heard), how old what is known of it may be, and what that is.\n",
              stdout);
        return CTL_DONE;
    }
    if (*argv)
        return ctl_usage_error("regions takes no arguments");
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    int err = discover_status(d, ctl->json ? print_json : print_text, &status);
    if (err < 0)
        status = ctl_failed(d, "regions", err);
    discover_free(d);
    return status;
}
