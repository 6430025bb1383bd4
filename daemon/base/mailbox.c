/* SPDX-License-Identifier: Apache-2.0 */
/* A lock-free queue of many senders and one owner, after D. Vyukov: a linked list that keeps a stub in it when it is empty. */
#include "daemon/base/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/*
 * A sender pushes its mail first and then sees to it that the owner will wake; the owner clears both marks first and
 * then takes the mail. All of it is sequentially consistent: a mail that just missed being taken finds the marks cleared.
 */
struct mailbox {
    _Atomic(struct mail *) newest;
    struct mail *oldest; /* used by the owner alone */
    struct mail stub;
    _Atomic size_t length; /* without those that are opened */
    size_t opened;         /* number that the owner may still take in this round; used by the owner alone */
    atomic_bool woken;     /* wake_fd is readable, or about to be */
    atomic_bool later;     /* the timer runs, or is about to */
    size_t limit;
    int fd; /* epoll, readable when one of these is */
    int wake_fd, later_fd;
};

static int watch(struct mailbox *box, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0 || epoll_ctl(box->fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    return 0;
}

int mailbox_new(size_t limit, struct mailbox **ret_box)
{
    struct mailbox *box = calloc(1, sizeof *box);
    if (!box)
        return -ENOMEM;
    box->limit = limit;
    box->oldest = &box->stub;
    atomic_init(&box->newest, &box->stub);
    box->wake_fd = box->later_fd = -1;
    box->fd = epoll_create1(EPOLL_CLOEXEC);
    int err = box->fd < 0 ? -errno : 0;
    if (!err) {
        box->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        err = watch(box, box->wake_fd);
    }
    if (!err) {
        box->later_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        err = watch(box, box->later_fd);
    }
    if (err)
        mailbox_free(box);
    else
        *ret_box = box;
    return err;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void mailbox_free(struct mailbox *box)
{
    if (!box)
        return;
    close_if_open(box->wake_fd);
    close_if_open(box->later_fd);
    close_if_open(box->fd);
    free(box);
}

int mailbox_fd(const struct mailbox *box)
{
    return box->fd;
}

void mailbox_wake(struct mailbox *box)
{
    if (!atomic_exchange(&box->woken, true))
        (void)!write(box->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void wake_later(struct mailbox *box)
{
    static const struct itimerspec in_a_while = {.it_value.tv_nsec = MAILBOX_LATER_NS};
    if (!atomic_load(&box->woken) && !atomic_exchange(&box->later, true))
        (void)timerfd_settime(box->later_fd, 0, &in_a_while, NULL);
}

static void push(struct mailbox *box, struct mail *mail)
{
    __atomic_store_n(&mail->next, NULL, __ATOMIC_RELAXED);
    struct mail *before = atomic_exchange(&box->newest, mail);
    __atomic_store_n(&before->next, mail, __ATOMIC_SEQ_CST);
}

static struct mail *behind(const struct mail *mail)
{
    return __atomic_load_n(&mail->next, __ATOMIC_SEQ_CST);
}

/* NULL: the box is empty, or a sender is about to link a mail, and wakes the owner afterwards. */
static struct mail *pop(struct mailbox *box)
{
    struct mail *mail = box->oldest, *next = behind(mail);
    if (mail == &box->stub) {
        if (!next)
            return NULL;
        box->oldest = mail = next;
        next = behind(mail);
    }
    if (!next && mail == atomic_load(&box->newest)) { /* the newest may not be taken: the next sender links to it */
        push(box, &box->stub);
        next = behind(mail);
    }
    if (!next)
        return NULL;
    box->oldest = next;
    return mail;
}

static int push_within_limit(struct mailbox *box, struct mail *mail)
{
    size_t n = atomic_load_explicit(&box->length, memory_order_relaxed);
    do
        if (n >= box->limit)
            return -ENOBUFS;
    while (!atomic_compare_exchange_weak(&box->length, &n, n + 1));
    push(box, mail);
    return 0;
}

int mailbox_post(struct mailbox *box, struct mail *mail)
{
    int err = push_within_limit(box, mail);
    if (!err)
        mailbox_wake(box);
    return err;
}

int mailbox_post_later(struct mailbox *box, struct mail *mail)
{
    int err = push_within_limit(box, mail);
    if (!err)
        wake_later(box);
    return err;
}

void mailbox_force(struct mailbox *box, struct mail *mail)
{
    atomic_fetch_add_explicit(&box->length, 1, memory_order_relaxed);
    push(box, mail);
    mailbox_wake(box);
}

/*
 * Takes the first mail. The others are opened with it, which makes room for as many; but not while nothing can be taken, since a
 * sender was interrupted before it linked its mail: else the box would fill up behind that again each time that it is opened.
 */
static struct mail *open_box(struct mailbox *box)
{
    uint64_t count;
    (void)!read(box->wake_fd, &count, sizeof count);
    (void)!read(box->later_fd, &count, sizeof count);
    atomic_store(&box->woken, false);
    atomic_store(&box->later, false);
    struct mail *first = pop(box);
    if (first)
        box->opened += atomic_exchange(&box->length, 0) - 1;
    return first;
}

static struct mail *next_of_open(struct mailbox *box)
{
    struct mail *mail = box->opened > 0 ? pop(box) : NULL;
    if (mail) {
        box->opened--;
    } else { /* those are counted, and not linked yet */
        atomic_fetch_add(&box->length, box->opened);
        box->opened = 0;
    }
    return mail;
}

struct mail *mailbox_next(struct mailbox *box)
{
    return box->opened > 0 ? next_of_open(box) : open_box(box);
}

struct mail *mailbox_take(struct mailbox *box)
{
    struct mail *oldest = open_box(box), **at = &oldest;
    while (*at) {
        at = &(*at)->next;
        *at = next_of_open(box);
    }
    return oldest;
}
