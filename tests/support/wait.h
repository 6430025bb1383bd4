/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a condition instead of for a time. The condition is evaluated again and again, every half
 * millisecond, until it holds; the result is how long that took, in ns. When it does not hold in time the test
 * fails and says what was seen last:
 *
 *     int64_t took_ns = wait_until(1000, seen_by_dns(&b, "shop/payment") == 0, b.seen);
 *
 * A busy machine lets everybody wait for a processor. By how much is seen here at each step, and that time does not count: a
 * ceiling is what the programs may take where nothing else runs. A condition that runs a program is slow there itself, so it is
 * looked at a few times in any case.
 */
#ifndef SUPPORT_WAIT_H
#define SUPPORT_WAIT_H

#include <check.h>
#include <stdint.h>

#include "libdiscover/core/clock.h"

#define WAIT_LOOKS 20

/* One step. Returns by how much the machine made it longer, in ns. */
int64_t wait_step(void);

#define wait_until(timeout_ms, condition, seen)                                                                        \
    ({                                                                                                                 \
        int64_t wait_start_ns = clock_now_ns(), wait_late_ns = 0;                                                      \
        int wait_looks = 0;                                                                                            \
        while (!(condition)) {                                                                                         \
            if (++wait_looks > WAIT_LOOKS &&                                                                           \
                clock_now_ns() - wait_start_ns > (int64_t)(timeout_ms)*NS_PER_MS + wait_late_ns)                       \
                ck_abort_msg("not within %d ms (and %d ms of waiting for a processor): %s; last seen: %s",             \
                             (int)(timeout_ms), (int)(wait_late_ns / NS_PER_MS), #condition, (seen));                  \
            wait_late_ns += wait_step();                                                                               \
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
void measured(const char *what, int64_t time_ns);

#endif
