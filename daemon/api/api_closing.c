/* SPDX-License-Identifier: Apache-2.0 */
/* Closing connections whose peers have sent descriptors along. */
#include "daemon/api/api_closing.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/api_impl.h"
#include "daemon/base/mailbox.h"
#include "daemon/base/thread.h"

struct api_closing {
    struct api *api;
    struct mailbox *done;
    struct loop_watch watch;
    size_t n; /* under way */
};

struct closing_mail {
    struct mail mail;
    struct mailbox *box;
    struct share *share;
    int fd;
};

static void finish(struct api_closing *closing, struct share *share)
{
    if (share)
        shares_give(&closing->api->client_shares, share);
}

static void on_done(void *arg)
{
    struct api_closing *closing = arg;
    struct mail *next;
    for (struct mail *mail = mailbox_take(closing->done); mail; mail = next) {
        next = mail->next;
        finish(closing, ((struct closing_mail *)mail)->share);
        closing->n--;
        free(mail);
    }
    metric_set(&closing->api->metrics.closing, closing->n);
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
    on_done(closing);
    loop_watch_fini(&closing->watch);
    if (closing->n == 0) /* else the threads still need it */
        mailbox_free(closing->done);
    free(closing);
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

static int close_elsewhere(struct api_closing *closing, int fd, struct share *share)
{
    struct closing_mail *mail = malloc(sizeof *mail);
    if (!mail)
        return -ENOMEM;
    *mail = (struct closing_mail){.box = closing->done, .share = share, .fd = fd};
    int err = start_thread(mail);
    if (err < 0)
        free(mail);
    else
        metric_set(&closing->api->metrics.closing, ++closing->n);
    return err;
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
