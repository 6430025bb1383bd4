/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on their way to a descriptor, written by a thread of their own: a terminal that is held, a pipe that nobody
 * reads, a journal that hangs stop that thread and nothing else. What waits is bounded: lines that find no room are
 * counted, and their number is written before the next one. Any thread; none of these waits but log_queue_stop.
 */
#ifndef BASE_LOG_QUEUE_H
#define BASE_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_queue;

/*
 * When there is room again, a line says how many were lost; prefix (static) stands in front of it. The descriptor stays the
 * caller's. -ENOMEM, or what pthread_create says.
 */
int log_queue_new(int fd, const char *prefix, struct log_queue **ret_q);

/* Takes a line with its newline. False: there was no room. */
bool log_queue_put(struct log_queue *q, const char *line, size_t n);

/* Waits until all is written, at most so long, and frees it. False: it is not, and is left to the end of the process. */
bool log_queue_stop(struct log_queue *q, int64_t limit_ns);

#endif
