/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor of ours within somebody else's program, which may close it (closefrom(3), a wrong close) and get its number for
 * a file of its own. So it is remembered what it was of, and nothing is done to what has its number by now. For sockets
 * and pipes, which have a number of their own each (epoll, eventfd and timerfd share one). Any thread.
 */
#ifndef CORE_KNOWN_FD_H
#define CORE_KNOWN_FD_H

#include <stdbool.h>
#include <sys/types.h>

struct known_fd {
    int fd; /* -1: none */
    dev_t device;
    ino_t inode;
};

/* Remembers fd; a negative one is none. */
void known_fd_note(struct known_fd *k, int fd);

/* Whether it is still what was noted. */
bool known_fd_is_own(const struct known_fd *k);

/* Closes it if it is; afterwards there is none. */
void known_fd_close(struct known_fd *k);

#endif
