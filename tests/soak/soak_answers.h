/* SPDX-License-Identifier: Apache-2.0 */
/* What the hosts answer, through each interface, against the truth. Main thread. */
#ifndef SOAK_ANSWERS_H
#define SOAK_ANSWERS_H

#include "tests/soak/soak.h"

struct soak_errors {
    unsigned missing, ghosts; /* instances, counted once for each answer that is wrong in it */
    unsigned failed;          /* answers that did not come, or not as fresh */
    char first[160];          /* one of them, for people */
};

/* By the library, of all hosts and services: quick. */
void soak_answers_quick(struct soak_fleet *fleet, struct soak_errors *ret_errors);

/* By DNS, HTTP and the library of all hosts, and by discoverctl of one. */
void soak_answers_all(struct soak_fleet *fleet, unsigned ctl_host, struct soak_errors *ret_errors);

#endif
