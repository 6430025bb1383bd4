/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that only one process has at a time: what keeps a second daemon off a state directory, socket or port.
 * Any thread. The kernel gives the lock back when the process ends, however it ends; the file itself stays, because
 * removing it would let two processes hold locks on two files of one name.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <sys/types.h>

/*
 * Makes the file if need be, for us alone (0600): another user who could open it could hold the lock. Locks it, and writes
 * our process id into it. *ret_fd is close-on-exec and holds the lock. -EBUSY: *ret_holder has it (0: it has not said who
 * it is); -EPERM: another user made it, or it is no file; or another negative errno.
 */
int lock_take(const char *path, int *ret_fd, pid_t *ret_holder);

/* -1 is fine. */
void lock_release(int fd);

#endif
