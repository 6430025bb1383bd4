/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl reload: the daemon reads its configuration again, and tells what became of it. */
#include <jansson.h>
#include <stdio.h>

#include "daemon/ctl/ctl.h"

struct reload {
    const struct ctl *ctl;
    bool refused;
};

static void print_lines(const char *what, const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%-14s %s\n", what, lines[i]);
}

static json_t *json_lines(const char *const *lines, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(lines[i]));
    return array;
}

static void print_reload(void *arg, const struct discover_reload_result *r)
{
    struct reload *reload = arg;
    reload->refused = r->n_refused > 0;
    if (reload->ctl->json) {
        ctl_print_json(json_pack("{s:o, s:o, s:o}", "taken", json_lines(r->taken, r->n_taken), "needs_restart",
                                 json_lines(r->needs_restart, r->n_needs_restart), "refused",
                                 json_lines(r->refused, r->n_refused)));
        return;
    }
    print_lines("taken", r->taken, r->n_taken);
    print_lines("needs restart", r->needs_restart, r->n_needs_restart);
    print_lines("refused", r->refused, r->n_refused);
    if (r->n_taken + r->n_needs_restart + r->n_refused == 0)
        puts("nothing has changed");
}

int cmd_reload(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv)) {
        printf(
            "Usage: discoverctl reload\n\n"
            "The daemon reads its configuration, its services and the files with its secrets again. Says what was\n"
            "taken, what takes effect only with the next start, and what was refused and why: then the status is 1.\n"
            "Only root and the daemon's user may.\n");
        return CTL_DONE;
    }
    if (*argv)
        return ctl_usage_error("reload takes nothing");
    int status;
    struct reload reload = {.ctl = ctl};
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    int err = discover_reload(d, print_reload, &reload);
    status = err < 0 ? ctl_failed(d, "reload", err) : reload.refused ? CTL_FAILED : CTL_DONE;
    discover_free(d);
    return status;
}
