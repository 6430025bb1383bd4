/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor of ours within somebody else's program, which may close it (closefrom(3), or by mistake) and then get
 * its number for a file of its own. So the device and inode behind the number are kept, and where they are others by
 * now the number is neither used nor closed. For sockets and pipes, each of which has its own inode (all of epoll,
 * eventfd and timerfd share one). Any thread.
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

/* Whether the number still stands for the file that was noted. */
bool known_fd_is_own(const struct known_fd *k);

/* Closes the descriptor if it is still the one that was noted; afterwards none is. */
void known_fd_close(struct known_fd *k);

#endif
