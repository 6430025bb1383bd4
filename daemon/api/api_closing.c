/* SPDX-License-Identifier: Apache-2.0 */
/* Closing connections whose peers have sent descriptors along. */
#include "daemon/api/api_closing.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/api_impl.h"
#include "daemon/base/mailbox.h"
#include "daemon/base/thread.h"

#define THREADS_MAX 64
#define WAITING_MAX 256
#define END_MS      100 /* most have ended by then; who has not is left to the kernel */

struct closing_mail {
    struct mail mail;
    struct mailbox *box;
    struct share *share;
    int fd;
};

struct api_closing {
    struct api *api;
    struct mailbox *done;
    struct loop_watch watch;
    size_t threads;
    struct mail *waiting, **waiting_tail; /* for a thread */
    size_t n;                             /* all */
};

static void finish(struct api_closing *closing, struct share *share)
{
    if (share)
        shares_give(&closing->api->client_shares, share);
}

static void *close_slowly(void *arg)
{
    struct closing_mail *mail = arg;
    close(mail->fd);
    mailbox_force(mail->box, &mail->mail);
    return NULL;
}

static int start_thread(struct closing_mail *mail)
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
    err = pthread_create(&thread, &attr, close_slowly, mail);
    thread_restore_signals(&before);
    pthread_attr_destroy(&attr);
    return -err;
}

/* As many as may be. Where no thread can be had now, whatever happens next tries again. */
static void start_waiting(struct api_closing *closing)
{
    while (closing->waiting && closing->threads < THREADS_MAX) {
        struct mail *first = closing->waiting;
        struct mail *next = first->next;
        if (start_thread((struct closing_mail *)first) < 0)
            return;
        closing->threads++;
        closing->waiting = next;
        if (!next)
            closing->waiting_tail = &closing->waiting;
    }
}

static void on_done(void *arg)
{
    struct api_closing *closing = arg;
    struct mail *next;
    for (struct mail *mail = mailbox_take(closing->done); mail; mail = next) {
        next = mail->next;
        finish(closing, ((struct closing_mail *)mail)->share);
        closing->threads--;
        closing->n--;
        free(mail);
    }
    start_waiting(closing);
    metric_set(&closing->api->metrics.closing, closing->n);
}

int api_closing_new(struct event_base *base, struct api *api, struct api_closing **ret_closing)
{
    struct api_closing *closing = calloc(1, sizeof *closing);
    if (!closing)
        return -ENOMEM;
    closing->api = api;
    closing->waiting_tail = &closing->waiting;
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
    while (closing->threads > 0 && poll(&done, 1, END_MS) > 0)
        on_done(closing);
    loop_watch_fini(&closing->watch);
    while (closing->waiting) { /* the kernel closes them with the process */
        struct mail *next = closing->waiting->next;
        finish(closing, ((struct closing_mail *)closing->waiting)->share);
        free(closing->waiting);
        closing->waiting = next;
    }
    if (closing->threads == 0) /* else the threads still need it */
        mailbox_free(closing->done);
    free(closing);
}

static int close_elsewhere(struct api_closing *closing, int fd, struct share *share)
{
    struct closing_mail *mail = malloc(sizeof *mail);
    if (!mail)
        return -ENOMEM;
    *mail = (struct closing_mail){.box = closing->done, .share = share, .fd = fd};
    *closing->waiting_tail = &mail->mail;
    closing->waiting_tail = &mail->mail.next;
    metric_set(&closing->api->metrics.closing, ++closing->n);
    start_waiting(closing);
    return 0;
}

bool api_closing_is_full(struct api_closing *closing)
{
    start_waiting(closing);
    return closing->n >= THREADS_MAX + WAITING_MAX;
}

/* Nothing more can come after this, so what has not come with anything has not come at all. */
static bool may_hold_descriptors(int sock)
{
    int unread = 0;
    (void)shutdown(sock, SHUT_RDWR);
    return ioctl(sock, FIONREAD, &unread) < 0 || unread > 0;
}

void api_close(struct api_closing *closing, int sock, struct share *share)
{
    if (may_hold_descriptors(sock) && close_elsewhere(closing, sock, share) == 0)
        return;
    close(sock);
    finish(closing, share);
}

void api_close_descriptor(struct api_closing *closing, int fd)
{
    if (close_elsewhere(closing, fd, NULL) < 0)
        close(fd);
}
