/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory the daemons that last take, and how fast that grows. Main thread. */
#ifndef SOAK_MEMORY_H
#define SOAK_MEMORY_H

#include "tests/soak/soak.h"

/* Anonymous memory of a host's daemon, in MB. */
double soak_memory_now(const struct soak_fleet *fleet, unsigned host);

/* Takes a sample of those that last. */
void soak_memory_sample(const struct soak_fleet *fleet, int64_t since_start_ns);

/* MB an hour, by the samples after the first ten minutes (least squares); the worst. Less than 3 of them: NAN. */
double soak_memory_growth(void);

#endif
