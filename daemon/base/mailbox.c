/* SPDX-License-Identifier: Apache-2.0 */
/* A lock-free stack that the owner takes whole and turns round. */
#include "daemon/base/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    _Atomic(struct mail *) newest;
    _Atomic size_t length;
    _Atomic uint64_t refused;
    size_t limit;
    int fd;
};

int mailbox_new(size_t limit, struct mailbox **ret_box)
{
    struct mailbox *box = calloc(1, sizeof *box);
    if (!box)
        return -ENOMEM;
    box->limit = limit;
    box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->fd < 0) {
        int err = -errno;
        free(box);
        return err;
    }
    *ret_box = box;
    return 0;
}

void mailbox_free(struct mailbox *box)
{
    if (!box)
        return;
    close(box->fd);
    free(box);
}

int mailbox_fd(const struct mailbox *box)
{
    return box->fd;
}

void mailbox_wake(struct mailbox *box)
{
    (void)!write(box->fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void push(struct mailbox *box, struct mail *mail)
{
    struct mail *old = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do
        mail->next = old;
    while (!atomic_compare_exchange_weak_explicit(&box->newest, &old, mail, memory_order_release,
                                                  memory_order_relaxed));
    /* Only the first mail needs to wake the owner, who takes all of them. */
    if (!old)
        mailbox_wake(box);
}

int mailbox_post(struct mailbox *box, struct mail *mail)
{
    /* Counted first, then looked at: looking first would let in one too many for each sender that looks. */
    if (atomic_fetch_add_explicit(&box->length, 1, memory_order_relaxed) >= box->limit) {
        atomic_fetch_sub_explicit(&box->length, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&box->refused, 1, memory_order_relaxed);
        return -ENOBUFS;
    }
    push(box, mail);
    return 0;
}

void mailbox_force(struct mailbox *box, struct mail *mail)
{
    atomic_fetch_add_explicit(&box->length, 1, memory_order_relaxed);
    push(box, mail);
}

struct mail *mailbox_take(struct mailbox *box)
{
    uint64_t count;
    (void)!read(box->fd, &count, sizeof count); /* before taking: a mail posted after this wakes again */
    struct mail *mail = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    size_t n = 0;
    for (struct mail *next; mail; mail = next, n++) {
        next = mail->next;
        mail->next = oldest;
        oldest = mail;
    }
    atomic_fetch_sub_explicit(&box->length, n, memory_order_relaxed);
    return oldest;
}

size_t mailbox_length(const struct mailbox *box)
{
    return atomic_load_explicit(&box->length, memory_order_relaxed);
}

uint64_t mailbox_refused(const struct mailbox *box)
{
    return atomic_load_explicit(&box->refused, memory_order_relaxed);
}
