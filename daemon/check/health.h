/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From single results to a state: `fall` failures in a row make an instance critical, `rise` successes make it
 * pass again. The very first result decides alone: whoever starts broken is not served for `fall` intervals.
 * Pure; any thread.
 */
#ifndef CHECK_HEALTH_H
#define CHECK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct health {
    uint32_t fall, rise;
    uint32_t streak; /* results in a row that speak against `passing` */
    bool known, passing;
};

void health_init(struct health *h, uint32_t fall, uint32_t rise);

/* Takes a result; true when the state has changed. */
bool health_result(struct health *h, bool pass);

#endif
