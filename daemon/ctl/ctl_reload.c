/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl reload: the daemon reads its configuration again, and reports what became of it. */
#include <stdio.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/printable.h"
#include "daemon/documents/documents.h"

struct reload {
    const struct ctl *ctl;
    bool refused;
};

static void print_lines(const char *what, const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printable_print(stdout, false, "%-14s %s", what, lines[i]);
        putchar('\n');
    }
}

static void print_reload(void *arg, const struct discover_reload_result *r)
{
    struct reload *reload = arg;
    reload->refused = r->n_refused > 0;
    if (reload->ctl->json) {
        ctl_print_json(json_pack("{s:o, s:o, s:o}", "taken", document_texts(r->taken, r->n_taken), "needs_restart",
                                 document_texts(r->needs_restart, r->n_needs_restart), "refused",
                                 document_texts(r->refused, r->n_refused)));
        return;
    }
    print_lines("taken", r->taken, r->n_taken);
    print_lines("needs restart", r->needs_restart, r->n_needs_restart);
    print_lines("refused", r->refused, r->n_refused);
    if (r->n_taken + r->n_needs_restart + r->n_refused == 0)
        puts("nothing has changed");
}

static int run(const struct call *call)
{
    struct reload reload = {.ctl = call->ctl};
    int err = discover_reload(call->d, print_reload, &reload);
    return err < 0 ? ctl_failed(call->d, "reload", err) : reload.refused ? CTL_FAILED : CTL_DONE;
}

const struct command reload_command = {
    .name = "reload",
    .summary = "the daemon reads its configuration again, and reports what became of it",
    .usage = "reload",
    .help = "The daemon reads its configuration, its services and the files with its secrets again. Says what was\n"
            "taken, what takes effect only with the next start, and what was refused and why: then the status is 1.\n"
            "Only root and the daemon's user may.\n",
    .run = run,
};
