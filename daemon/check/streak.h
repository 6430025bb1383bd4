/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From single results to a verdict: `fall` failures in a row make a check fail, `rise` successes make it pass
 * again. The very first result decides alone: whoever starts broken is not served for `fall` intervals. Pure.
 */
#ifndef CHECK_STREAK_H
#define CHECK_STREAK_H

#include <stdbool.h>
#include <stdint.h>

struct streak {
    uint32_t fall, rise;
    uint32_t against; /* results in a row that contradict `passing` */
    bool known, passing;
};

void streak_init(struct streak *s, uint32_t fall, uint32_t rise);

/* Takes a result; true when the verdict has changed. */
bool streak_result(struct streak *s, bool pass);

#endif
