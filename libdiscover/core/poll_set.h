/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An epoll set with a timer and a way to wake whoever waits for it. One thread, but for poll_set_wake. The program around it may
 * close any of its descriptors: none is used, and none closed, that is not its own any more (-EBADF), and poll_set_mend
 * makes new ones.
 *
 * How it knows: the wake is a pipe, known by its inode (known_fd.h). An epoll set that has our pipe in it is ours, and so
 * is a timer that is in our set: an entry of a set is of a file, not of a number.
 */
#ifndef CORE_POLL_SET_H
#define CORE_POLL_SET_H

#include <stdint.h>

#include "libdiscover/core/known_fd.h"

struct poll_set {
    int epoll, timer; /* -1: none */
    struct known_fd wake_read, wake_write;
};

void poll_set_init(struct poll_set *s);

/* Makes all descriptors. A negative errno: none is open. */
int poll_set_open(struct poll_set *s);
void poll_set_close(struct poll_set *s);

/*
 * 0: all is as it was. 1: something was gone, and all is new, under the same number if that is free: what else was in the set
 * has to be put in again, and whoever watches the set has to do so anew. Or a negative errno: nothing is open, to be tried again.
 */
int poll_set_mend(struct poll_set *s);

/* Puts a descriptor in, with itself as data; or changes what it is watched for. A negative errno. */
int poll_set_add(const struct poll_set *s, int fd, uint32_t events);
int poll_set_change(const struct poll_set *s, int fd, uint32_t events);

/* Takes a descriptor out that is still the one that was put in. */
void poll_set_remove(const struct poll_set *s, int fd);

/* Sets the timer to a time of CLOCK_BOOTTIME, in ns; 0: never. A negative errno. */
int poll_set_arm(const struct poll_set *s, int64_t at_ns);

/* Makes the set readable until poll_set_drain. [any thread] */
void poll_set_wake(const struct poll_set *s);

/* Whether the set was woken since the last call. */
bool poll_set_drain(const struct poll_set *s);

#endif
