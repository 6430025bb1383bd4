/* SPDX-License-Identifier: Apache-2.0 */
/* One step of waiting for a condition, and printing of measured times. */
#include "tests/support/wait.h"

#include <stdio.h>
#include <time.h>

#define STEP_NS (NS_PER_MS / 2)

/* Up to a step more is what a sleep takes on any machine. */
int64_t wait_step(void)
{
    int64_t start_ns = clock_now_ns();

    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    int64_t late_ns = clock_now_ns() - start_ns - 2 * STEP_NS;
    return late_ns > 0 ? late_ns : 0;
}

void measured(const char *what, int64_t time_ns)
{
    printf("-- %s: %.1f ms\n", what, (double)time_ns / 1e6);
    fflush(stdout);
}
