/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind unit: a unit of systemd is active. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check/kind.h"
#include "daemon/check/unit_follow.h"

struct unit {
    struct check_report report;
    const struct check_units *units;
    void *follow;
};

static void on_state(void *arg, enum check_result result, const char *text)
{
    struct unit *u = arg;
    u->report.fn(u->report.arg, result, true, text, strlen(text));
}

static void unit_close(void *check)
{
    struct unit *u = check;
    if (!u)
        return;
    u->units->unfollow(u->units->arg, u->follow);
    free(u);
}

static int unit_open(const struct check_tools *tools, const struct check_spec *spec,
                     const struct check_subject *subject, const struct check_report *report, void **ret_check,
                     const char **ret_why)
{
    (void)subject;
    if (!tools->units) {
        *ret_why = "unit: this daemon does not follow the units of systemd";
        return -EINVAL;
    }
    struct unit *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->report = *report;
    u->units = tools->units;
    int err = u->units->follow(u->units->arg, spec->unit, on_state, u, &u->follow);
    if (err) {
        free(u);
        return err;
    }
    *ret_check = u;
    return 0;
}

const struct check_kind check_unit = {.open = unit_open, .close = unit_close};
