/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a condition instead of for a time. The condition is evaluated again and again, every half
 * millisecond, until it holds; the result is how long that took, in ns. When it does not hold in time the test
 * fails and says what was seen last:
 *
 *     int64_t took_ns = wait_until(1000, seen_by_dns(&b, "shop/payment") == 0, b.seen);
 */
#ifndef SUPPORT_WAIT_H
#define SUPPORT_WAIT_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>

#include "libdiscover/core/clock.h"

#define WAIT_STEP_NS (NS_PER_MS / 2)

static inline void wait_step(void)
{
    nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
}

#define wait_until(timeout_ms, condition, seen)                                                                        \
    ({                                                                                                                 \
        int64_t wait_start_ns = clock_now_ns();                                                                        \
        while (!(condition)) {                                                                                         \
            if (clock_now_ns() - wait_start_ns > (int64_t)(timeout_ms)*NS_PER_MS)                                      \
                ck_abort_msg("not within %d ms: %s; last seen: %s", (int)(timeout_ms), #condition, (seen));            \
            wait_step();                                                                                               \
        }                                                                                                              \
        clock_now_ns() - wait_start_ns;                                                                                \
    })

/* Asserts that the condition holds all the time for that long (or is already false at once). */
#define holds_for(time_ms, condition, seen)                                                                            \
    do {                                                                                                               \
        int64_t hold_start_ns = clock_now_ns();                                                                        \
        while (clock_now_ns() - hold_start_ns < (int64_t)(time_ms)*NS_PER_MS) {                                        \
            if (!(condition))                                                                                          \
                ck_abort_msg("after %.1f ms no longer: %s; last seen: %s",                                             \
                             (double)(clock_now_ns() - hold_start_ns) / 1e6, #condition, (seen));                      \
            wait_step();                                                                                               \
        }                                                                                                              \
    } while (0)

/* A measured time, as tests/run collects it: "-- what: 12.3 ms". */
static inline void measured(const char *what, int64_t time_ns)
{
    printf("-- %s: %.1f ms\n", what, (double)time_ns / 1e6);
    fflush(stdout);
}

#endif
