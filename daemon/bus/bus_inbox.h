/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that wait for the reader thread, in the order in which they came. Not a synchronous subscription of nats.c: that
 * takes an empty message with "503" in its status line for "nobody answers" and drops it, and in what is stored that line
 * is its writer's. Full means that an answer is lost, and asked for again.
 */
#ifndef BUS_INBOX_H
#define BUS_INBOX_H

#include <nats/nats.h>
#include <stdint.h>

#define BUS_INBOX_MAX 8192 /* more than is ever asked for at once */

struct bus_inbox;

int bus_inbox_new(struct bus_inbox **ret_inbox); /* -ENOMEM */
void bus_inbox_free(struct bus_inbox *inbox);

/* A natsMsgHandler; closure is the inbox. */
void bus_inbox_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);

/* Bus thread. Empties the inbox, and opens it for a new connection. */
void bus_inbox_reset(struct bus_inbox *inbox);

/* Any thread. Closes the inbox: nothing comes any more, and whoever waits is woken. */
void bus_inbox_close(struct bus_inbox *inbox);

/* Reader thread. The next one, which is the caller's then. -ETIMEDOUT; -ENOTCONN: the connection was closed. */
int bus_inbox_next(struct bus_inbox *inbox, int64_t timeout_ns, natsMsg **ret_msg);

#endif
