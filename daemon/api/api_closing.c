/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing connections whose peers have sent descriptors along. Closing the last copy of a descriptor can take as long as
 * whoever made it likes (socket(7), SO_LINGER), and what was not taken off a connection is closed with it. So none is taken
 * but a pidfd, and such connections are closed in batches by a thread that ends with them, which nothing delays; until then
 * each counts as one of its user's. Where threads may not do that (a container that forbids unshare), it takes as long as
 * it takes, and while too many wait nobody else is let in.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/api_impl.h"
#include "daemon/base/array.h"
#include "daemon/base/mailbox.h"
#include "daemon/base/thread.h"

#define COPIES_MAX  64   /* threads at once that each close a copy of a descriptor */
#define WAITING_MAX 1024 /* connections that wait; a batch takes a millisecond */
#define BATCH_MAX   64   /* connections that a thread takes, and that main closes in one event */
#define END_MS      100  /* time for threads at the end; those that need longer are left to the kernel */

struct closing_one {
    int fd;
    struct share *share; /* NULL: a copy, which has none */
};

/*
 * What one thread closes. Both threads own it while it is in the mailbox; the thread frees it when main has let it go.
 */
struct batch {
    struct mail mail;
    struct mailbox *box;
    sem_t let_go;
    bool copy;   /* it is a copy of a descriptor, of which we have another */
    bool closed; /* the thread has closed them */
    size_t n;
    struct closing_one all[];
};

struct api_closing {
    struct api *api;
    struct mailbox *done;
    struct loop_watch watch;
    size_t copies;  /* threads that close a copy */
    bool going;     /* a batch of connections is under way */
    size_t n, room; /* connections that wait for the next batch */
    struct closing_one *waiting;
    size_t all; /* all that are not closed yet, copies too */
};

/* --- threads --- */

static void close_all(const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        close(b->all[i].fd);
}

/*
 * 1. The thread gets copies of all descriptors of the process, and says so.
 * 2. Main closes its own, which are then not the last ones, and lets go.
 * 3. The thread ends, and the last ones with it: a linger does not hold a thread that ends.
 *
 * Where a thread may not have a descriptor table of its own it closes them itself, for as long as that takes.
 */
static void *close_elsewhere(void *arg)
{
    struct batch *b = arg;
    b->closed = b->copy || unshare(CLONE_FILES) < 0;
    if (b->closed)
        close_all(b);
    mailbox_force(b->box, &b->mail);
    while (sem_wait(&b->let_go) < 0)
        ;
    sem_destroy(&b->let_go);
    free(b);
    return NULL;
}

static int start_thread(struct batch *b)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t before;
    int err = pthread_attr_init(&attr);
    if (err)
        return -err;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, 1 << 16);
    thread_block_signals(&before);
    err = pthread_create(&thread, &attr, close_elsewhere, b);
    thread_restore_signals(&before);
    pthread_attr_destroy(&attr);
    return -err;
}

static int start_batch(struct api_closing *closing, const struct closing_one *all, size_t n, bool copy)
{
    struct batch *b = malloc(sizeof *b + n * sizeof *all);
    if (!b)
        return -ENOMEM;
    *b = (struct batch){.box = closing->done, .copy = copy, .n = n};
    memcpy(b->all, all, n * sizeof *all);
    sem_init(&b->let_go, 0, 0);
    int err = start_thread(b);
    if (err) {
        sem_destroy(&b->let_go);
        free(b);
    }
    return err;
}

/* --- main --- */

static void show(struct api_closing *closing)
{
    metric_set(&closing->api->metrics.closing, closing->all);
}

/* Begins the next batch, if none is under way. If no thread can be had, the next event tries again. */
static void start_waiting(struct api_closing *closing)
{
    size_t n = closing->n < BATCH_MAX ? closing->n : BATCH_MAX;
    if (closing->going || n == 0 || start_batch(closing, closing->waiting, n, false) < 0)
        return;
    closing->going = true;
    closing->n -= n;
    memmove(closing->waiting, closing->waiting + n, closing->n * sizeof *closing->waiting);
}

static void finish(struct api_closing *closing, struct share *share)
{
    if (share)
        shares_give(&closing->api->client_shares, share);
}

static void let_go(struct api_closing *closing, struct batch *b)
{
    if (!b->closed)
        close_all(b);
    for (size_t i = 0; i < b->n; i++)
        finish(closing, b->all[i].share);
    closing->all -= b->n;
    closing->copies -= b->copy;
    closing->going &= b->copy;
    sem_post(&b->let_go);
}

static void on_done(void *arg)
{
    struct api_closing *closing = arg;
    for (struct mail *mail; (mail = mailbox_next(closing->done));)
        let_go(closing, (struct batch *)mail);
    start_waiting(closing);
    show(closing);
}

int api_closing_new(struct event_base *base, struct api *api, struct api_closing **ret_closing)
{
    struct api_closing *closing = calloc(1, sizeof *closing);
    if (!closing)
        return -ENOMEM;
    closing->api = api;
    int err = mailbox_new(SIZE_MAX, &closing->done);
    if (!err)
        err = loop_watch_init(&closing->watch, base, mailbox_fd(closing->done), on_done, closing);
    if (err) {
        mailbox_free(closing->done);
        free(closing);
        return err;
    }
    *ret_closing = closing;
    return 0;
}

void api_closing_free(struct api_closing *closing)
{
    if (!closing)
        return;
    struct pollfd done = {.fd = mailbox_fd(closing->done), .events = POLLIN};
    on_done(closing);
    while ((closing->going || closing->copies > 0) && poll(&done, 1, END_MS) > 0)
        on_done(closing);
    loop_watch_fini(&closing->watch);
    for (size_t i = 0; i < closing->n; i++) /* the kernel closes them with the process */
        finish(closing, closing->waiting[i].share);
    if (!closing->going && closing->copies == 0) /* otherwise threads still post to it */
        mailbox_free(closing->done);
    free(closing->waiting);
    free(closing);
}

bool api_closing_is_full(struct api_closing *closing)
{
    start_waiting(closing);
    return closing->n >= WAITING_MAX;
}

/*
 * Whether unread bytes, which descriptors may have come with, are left. Nothing can arrive after the shutdown, so
 * without any there are no descriptors.
 */
static bool may_hold_descriptors(int sock)
{
    int unread = 0;
    (void)shutdown(sock, SHUT_RDWR);
    return ioctl(sock, FIONREAD, &unread) < 0 || unread > 0;
}

void api_close(struct api_closing *closing, int sock, struct share *share)
{
    if (!may_hold_descriptors(sock) ||
        array_grow(&closing->waiting, closing->n, &closing->room, sizeof *closing->waiting) < 0) {
        close(sock);
        finish(closing, share);
        return;
    }
    closing->waiting[closing->n++] = (struct closing_one){sock, share};
    closing->all++;
    start_waiting(closing);
    show(closing);
}

bool api_closing_takes_copies(const struct api_closing *closing)
{
    return closing->copies < COPIES_MAX;
}

void api_close_copy(struct api_closing *closing, int fd)
{
    if (start_batch(closing, &(struct closing_one){fd, NULL}, 1, true) < 0) {
        close(fd);
        return;
    }
    closing->copies++;
    closing->all++;
    show(closing);
}
