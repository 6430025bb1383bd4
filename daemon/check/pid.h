/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports the death of a process the moment it happens, whoever's child it is (pidfd_open(2), Linux 5.3). Main thread only.
 */
#ifndef CHECK_PID_H
#define CHECK_PID_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

struct pids;

/* The process has died, and is watched no more. May call pids_watch and pids_unwatch. */
typedef void pid_gone_fn(void *arg, pid_t pid);

/* -ENOMEM. */
int pids_new(struct event_base *base, pid_gone_fn *fn, void *arg, struct pids **ret_pids);
void pids_free(struct pids *p);

/*
 * Watches pid until it dies or pids_unwatch. *start is its start time in clock ticks since boot: 0 asks for it,
 * otherwise it must be the same, so that a pid that was used again is not taken for the old process. -ESRCH: it is dead
 * (a zombie too) or another one; -EINVAL: no pid; -EEXIST: watched already; or a negative errno.
 */
int pids_watch(struct pids *p, pid_t pid, uint64_t *start);
void pids_unwatch(struct pids *p, pid_t pid);

/*
 * A pidfd, which is readable when the process has died, and is the caller's to close. start and errors as for
 * pids_watch. Any thread.
 */
int pid_open(pid_t pid, uint64_t *start, int *ret_fd);

/* Reads /proc/PID/<name> up to cap - 1 bytes, and ends them with a NUL. Their number, or a negative errno. Any thread. */
ssize_t pid_read(pid_t pid, const char *name, char *ret_text, size_t cap);

/* The start time in clock ticks since boot, from /proc/PID/stat. -ESRCH: dead, or a zombie. Any thread. */
int pid_start_time(pid_t pid, uint64_t *ret_start);

#endif
