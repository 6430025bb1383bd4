/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last lines that were logged, for whoever asks for them later: `discoverctl monitor` and `debug`. What is kept is bounded;
 * who logs never waits for who reads, but for the time it takes to copy a few lines. Any thread.
 */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <stddef.h>
#include <stdint.h>

#define LOG_RING_BYTES    (128 * 1024) /* about a thousand lines */
#define LOG_RING_LINE_MAX 1024         /* what is longer is cut off */

struct log_ring_line {
    uint64_t number;  /* of all lines of this life, from 1 */
    int64_t time_ms;  /* since 1970 */
    int level;        /* LOG_ERR ... */
    const char *text; /* without the time, on one line */
};

/* The least severe level that is kept for now: that of the log, or what somebody has asked for lately. */
void log_ring_want(int level, int64_t until_ns);
int log_ring_level(int64_t now_ns); /* 0: none but the log's own */

void log_ring_put(int level, int64_t time_ms, const char *text, size_t n);

/*
 * Calls fn for each line that is kept, of that level or a more severe one, behind the line `after`, until it has been called
 * max times. Returns the number of the last line that was looked at, to go on behind; *ret_missed: lines behind `after` that
 * are not kept any more. fn must not log.
 */
typedef void log_ring_fn(void *arg, const struct log_ring_line *line);
uint64_t log_ring_read(uint64_t after, int level, size_t max, log_ring_fn *fn, void *arg, uint64_t *ret_missed);

#endif
