/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what it costs a bare nats.c program to receive the same messages and do nothing with them, in a process of
 * its own so that its processor time can be measured. Fails the test when it fails.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdint.h>
#include <sys/types.h>

/* Reads a whole bucket as nats.c does it by itself: nanoseconds until the last message. */
int64_t bare_snapshot(const char *url, const char *stream, uint64_t messages);

/* A process that subscribes to the republished subjects; it ends with the test. */
pid_t bare_subscriber(const char *url);

/* Processor time, user and system, of a process so far. */
int64_t process_cpu_ns(pid_t pid);

/* Resident memory in bytes, shared memory included. */
int64_t process_rss(pid_t pid);

#endif
