/* SPDX-License-Identifier: Apache-2.0 */
/* An epoll set with a timer and a pipe, which notices when the program has closed one of their descriptors. */
#include "libdiscover/core/poll_set.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"

static int control(const struct poll_set *s, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(s->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static bool set_is_own(const struct poll_set *s)
{
    return known_fd_is_own(&s->wake_read) && control(s, EPOLL_CTL_MOD, s->wake_read.fd, EPOLLIN) == 0;
}

static bool timer_is_own(const struct poll_set *s)
{
    return set_is_own(s) && control(s, EPOLL_CTL_MOD, s->timer, EPOLLIN) == 0;
}

void poll_set_init(struct poll_set *s)
{
    *s = (struct poll_set){-1, -1, {.fd = -1}, {.fd = -1}};
}

static int open_parts(struct poll_set *s)
{
    int wake[2];
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    known_fd_note(&s->wake_read, wake[0]);
    known_fd_note(&s->wake_write, wake[1]);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return -errno;
    int err = control(s, EPOLL_CTL_ADD, wake[0], EPOLLIN);
    if (err < 0)
        return err;
    s->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return s->timer < 0 ? -errno : control(s, EPOLL_CTL_ADD, s->timer, EPOLLIN);
}

int poll_set_open(struct poll_set *s)
{
    poll_set_init(s);
    int err = open_parts(s);
    if (err < 0)
        poll_set_close(s);
    return err;
}

/* A descriptor that may be somebody else's by now is left open. */
void poll_set_close(struct poll_set *s)
{
    if (timer_is_own(s))
        close(s->timer);
    if (set_is_own(s))
        close(s->epoll);
    known_fd_close(&s->wake_read);
    known_fd_close(&s->wake_write);
    poll_set_init(s);
}

/* Gives the new epoll set the number of the old one, if that is free: whoever kept only the number can go on. */
static void take_number(struct poll_set *s, int number)
{
    int fd = fcntl(s->epoll, F_DUPFD_CLOEXEC, number);
    if (fd < 0)
        return;
    close(fd == number ? s->epoll : fd);
    if (fd == number)
        s->epoll = number;
}

int poll_set_mend(struct poll_set *s)
{
    if (timer_is_own(s) && known_fd_is_own(&s->wake_write))
        return 0;
    int number = s->epoll;
    poll_set_close(s);
    int err = poll_set_open(s);
    if (err < 0)
        return err;
    if (number >= 0 && number != s->epoll)
        take_number(s, number);
    return 1;
}

int poll_set_add(const struct poll_set *s, int fd, uint32_t events)
{
    return set_is_own(s) ? control(s, EPOLL_CTL_ADD, fd, events) : -EBADF;
}

int poll_set_change(const struct poll_set *s, int fd, uint32_t events)
{
    return set_is_own(s) ? control(s, EPOLL_CTL_MOD, fd, events) : -EBADF;
}

void poll_set_remove(const struct poll_set *s, int fd)
{
    if (set_is_own(s))
        (void)control(s, EPOLL_CTL_DEL, fd, 0);
}

int poll_set_arm(const struct poll_set *s, int64_t at_ns)
{
    struct itimerspec spec = {.it_value = {at_ns / NS_PER_S, at_ns % NS_PER_S}};
    if (!timer_is_own(s))
        return -EBADF;
    return timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

void poll_set_wake(const struct poll_set *s)
{
    if (known_fd_is_own(&s->wake_write))
        (void)!write(s->wake_write.fd, "", 1); /* full: then it is readable anyway */
}

bool poll_set_drain(const struct poll_set *s)
{
    char bytes[64];
    bool any = false;
    if (!known_fd_is_own(&s->wake_read))
        return false;
    while (read(s->wake_read.fd, bytes, sizeof bytes) > 0)
        any = true;
    return any;
}
