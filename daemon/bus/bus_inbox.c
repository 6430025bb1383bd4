/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of messages between a thread of nats.c and the reader thread. */
#include "daemon/bus/bus_inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/base/thread.h"

struct bus_inbox {
    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t changed;
    size_t first, n;
    bool closed;
    natsMsg *ring[BUS_INBOX_MAX];
};

int bus_inbox_new(struct bus_inbox **ret_inbox)
{
    struct bus_inbox *inbox = calloc(1, sizeof *inbox);
    if (!inbox)
        return -ENOMEM;
    pthread_cond_init(&inbox->changed, NULL);
    pthread_mutex_init(&inbox->lock, NULL);
    *ret_inbox = inbox;
    return 0;
}

static natsMsg *take(struct bus_inbox *inbox)
{
    natsMsg *msg = inbox->ring[inbox->first];
    inbox->first = (inbox->first + 1) % BUS_INBOX_MAX;
    inbox->n--;
    return msg;
}

void bus_inbox_reset(struct bus_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    while (inbox->n > 0)
        natsMsg_Destroy(take(inbox));
    inbox->closed = false;
    pthread_mutex_unlock(&inbox->lock);
}

void bus_inbox_free(struct bus_inbox *inbox)
{
    if (!inbox)
        return;
    bus_inbox_reset(inbox);
    pthread_cond_destroy(&inbox->changed);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void bus_inbox_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_inbox *inbox = closure;
    pthread_mutex_lock(&inbox->lock);
    bool fits = inbox->n < BUS_INBOX_MAX;
    if (fits)
        inbox->ring[(inbox->first + inbox->n++) % BUS_INBOX_MAX] = msg;
    if (inbox->n == 1)
        pthread_cond_signal(&inbox->changed);
    pthread_mutex_unlock(&inbox->lock);
    if (!fits)
        natsMsg_Destroy(msg);
}

void bus_inbox_close(struct bus_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    pthread_cond_broadcast(&inbox->changed);
    pthread_mutex_unlock(&inbox->lock);
}

int bus_inbox_next(struct bus_inbox *inbox, int64_t timeout_ns, natsMsg **ret_msg)
{
    struct timespec until = thread_in(timeout_ns);
    int err = 0;
    pthread_mutex_lock(&inbox->lock);
    while (inbox->n == 0 && !inbox->closed && err == 0)
        err = thread_wait(&inbox->changed, &inbox->lock, &until);
    bool got = inbox->n > 0 && !inbox->closed;
    if (got)
        *ret_msg = take(inbox);
    err = got ? 0 : inbox->closed ? -ENOTCONN : -ETIMEDOUT;
    pthread_mutex_unlock(&inbox->lock);
    return err;
}
