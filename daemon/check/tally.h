/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From single results to the state of a check. `fall` failures in a row make it critical, `warn` of them a warning before
 * that, `rise` results that are no failures bring it back; a result that is a warning by itself shows at once. The very
 * first result decides alone: whoever starts broken is not served for `fall` intervals. Only in the start period, which
 * ends with the first result that is no failure, do failures not count. Pure.
 */
#ifndef CHECK_TALLY_H
#define CHECK_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "discover/discover.h"

enum check_result { CHECK_PASS, CHECK_WARN, CHECK_FAIL };

/* All zeros but for the first three, the state in the beginning, and the end of a start period. */
struct tally {
    uint32_t fall, warn, rise;
    int64_t start_until_ns; /* 0: no start period */
    enum discover_state state;
    bool known;              /* a result has counted */
    bool fallen;             /* critical by failures: it takes `rise` results to come back */
    uint32_t failures, good; /* results of each kind in a row */
};

/* Takes a result. Returns true when the state has changed. */
bool tally_take(struct tally *t, enum check_result result, int64_t now_ns);

/* Takes a result that is certain and needs no counting: a process has ended, a program reports itself. */
bool tally_set(struct tally *t, enum check_result result);

#endif
