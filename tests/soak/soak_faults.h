/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong meanwhile. Main thread. */
#ifndef SOAK_FAULTS_H
#define SOAK_FAULTS_H

#include "tests/soak/soak.h"

/* Begins the fault of that number (any); *ret_until_ns: when soak_faults_end has to be called. Says what it is. */
const char *soak_faults_begin(struct soak_fleet *fleet, unsigned number, int64_t *ret_until_ns);
void soak_faults_end(struct soak_fleet *fleet);

#endif
