/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers a descriptor's device and inode, to notice when its number has come to stand for another file. */
#include "libdiscover/core/known_fd.h"

#include <sys/stat.h>
#include <unistd.h>

void known_fd_note(struct known_fd *k, int fd)
{
    struct stat st;
    *k = (struct known_fd){.fd = -1};
    if (fd >= 0 && fstat(fd, &st) == 0)
        *k = (struct known_fd){fd, st.st_dev, st.st_ino};
}

bool known_fd_is_own(const struct known_fd *k)
{
    struct stat st;
    return k->fd >= 0 && fstat(k->fd, &st) == 0 && st.st_dev == k->device && st.st_ino == k->inode;
}

void known_fd_close(struct known_fd *k)
{
    if (known_fd_is_own(k))
        close(k->fd);
    k->fd = -1;
}
