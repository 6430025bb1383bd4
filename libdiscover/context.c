/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the library may do with a handle. */
#include "libdiscover/context.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int64_t context_deadline(const struct discover *d)
{
    return clock_now_ns() + d->timeout_ms * NS_PER_MS;
}

int context_check(const struct discover *d)
{
    if (!d->started)
        return -EINVAL;
    return maker_is_us(&d->maker) ? 0 : -ECHILD;
}

int context_error(struct discover *d, int code, const char *text)
{
    snprintf(d->last_error, sizeof d->last_error, "%s", text);
    return code;
}

int context_add_descriptor(const struct discover *d, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int context_open_wake(struct discover *d)
{
    if (d->wake >= 0)
        return 0;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = fd < 0 ? -errno : 0;
    if (!err && d->epoll >= 0)
        err = context_add_descriptor(d, fd);
    if (err && fd >= 0)
        close(fd);
    if (!err)
        d->wake = fd;
    return err;
}

void context_wake(const struct discover *d)
{
    const uint64_t one = 1;
    (void)!write(d->wake, &one, sizeof one); /* full: then it is readable anyway */
}
