/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What checks of kind unit need of whoever follows systemd's units: filled in by the daemon, where there is a systemd.
 * Main thread.
 */
#ifndef CHECK_UNIT_FOLLOW_H
#define CHECK_UNIT_FOLLOW_H

#include "daemon/check/tally.h"

/*
 * The state of a unit. active: CHECK_PASS; failed, inactive, activating, deactivating, or not there: CHECK_FAIL. Not
 * reported: reloading, and that the bus is away, as an unknown state counts as unchanged. text: for people, as "active
 * (running)".
 */
typedef void check_unit_fn(void *arg, enum check_result result, const char *text);

struct check_units {
    void *arg;
    /*
     * Follows a unit: fn is called once when its state is known, never from within, and then at each change.
     * *ret_follow: to be given to unfollow. -ENOMEM.
     */
    int (*follow)(void *arg, const char *unit, check_unit_fn *fn, void *fn_arg, void **ret_follow);
    void (*unfollow)(void *arg, void *follow);
};

#endif
