/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl regions: the other regions that this host reads, nearest first. */
#include <inttypes.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"

static void print_region(const json_t *r, FILE *out)
{
    fprintf(out, "%-16s %-12s", text_of(r, "region"), text_of(r, "state"));
    if (number_of(r, "stale_ms") > 0)
        fprintf(out, " for %.1f s", seconds_of(r, "stale_ms"));
    fprintf(out, " %s, %s, %" PRId64 "/%s", count(number_of(r, "hosts"), "host"),
            count(number_of(r, "services"), "service"), number_of(r, "usable"),
            count(number_of(r, "instances"), "instance"));
    if (*text_of(r, "mirror"))
        fprintf(out, ", mirror %s", text_of(r, "mirror"));
    if (*text_of(r, "reason"))
        fprintf(out, "; %s", text_of(r, "reason"));
    if (*text_of(r, "error"))
        fprintf(out, ": %s", text_of(r, "error"));
    fputc('\n', out);
}

static void print_regions(const json_t *document, FILE *out)
{
    fprintf(out, "%-16s this host's own: %s\n", text_of(document, "region"), text_of(document, "sync"));
    print_each(document, "regions", NULL, print_region, out);
}

const struct command regions_command = {
    .name = "regions",
    .summary = "list the other regions that this host reads, and how they are",
    .usage = "regions",
    .help = "The own region, and a line for each other one that this host reads: its name, how it is (live, stale,\n"
            "catching up, or never heard), how old what is known of it may be, and what that is.\n",
    .run = command_show,
    .document = "regions",
    .print = print_regions,
};
