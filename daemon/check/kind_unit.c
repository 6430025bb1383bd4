/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind unit: a unit of systemd is active. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check/kind.h"
#include "daemon/check/unit_follow.h"

struct unit {
    const struct check_setup *setup;
    void *follow;
};

static void on_state(void *arg, enum check_result result, const char *text)
{
    struct unit *u = arg;
    check_report(u->setup, result, true, text, strlen(text));
}

static void unit_close(void *check)
{
    struct unit *u = check;
    if (!u)
        return;
    const struct check_units *units = u->setup->tools->units;
    units->unfollow(units->arg, u->follow);
    free(u);
}

static int unit_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    const struct check_units *units = setup->tools->units;
    if (!units) {
        *ret_why = "unit: this daemon does not follow the units of systemd";
        return -EINVAL;
    }
    struct unit *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->setup = setup;
    int err = units->follow(units->arg, setup->spec->unit, on_state, u, &u->follow);
    if (err) {
        free(u);
        return err;
    }
    *ret_check = u;
    return 0;
}

const struct check_kind check_unit = {.open = unit_open, .close = unit_close};
