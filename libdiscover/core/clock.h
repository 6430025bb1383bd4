/* SPDX-License-Identifier: Apache-2.0 */
/* Monotonic time in nanoseconds, the unit of every duration and deadline; and the time of day. Any thread. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/*
 * CLOCK_BOOTTIME, not CLOCK_MONOTONIC: it goes on during suspend, as the leases of other hosts do. Both are
 * the same for all processes of a host, so times may be compared through shared memory.
 */
static inline int64_t clock_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Milliseconds since 1970: for what is kept in files and shown to people, never for a deadline. */
static inline int64_t clock_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
}

/* Such a time as people read it (RFC 3339): "2026-11-29T14:21:37.042Z". */
#define CLOCK_TEXT_CAP 40
static inline void clock_wall_text(int64_t ms, char ret_text[static CLOCK_TEXT_CAP])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    size_t n = strftime(ret_text, CLOCK_TEXT_CAP, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    snprintf(ret_text + n, CLOCK_TEXT_CAP - n, ".%03dZ", (int)(ms % 1000));
}

#endif
