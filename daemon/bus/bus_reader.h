/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader thread: makes the requests that block (a stream's state, making a stream, snapshots), one after the
 * other, so that puts never wait for them. Every order is answered by its mails, whatever happens.
 *
 * For a snapshot consumers are the way of least cost (bus_pull.c). Who may make none, or whom their messages do not reach,
 * reads with gets (bus_gets.c), which need no more than a right to read. What NATS serves and permits decides.
 */
#ifndef BUS_READER_H
#define BUS_READER_H

#include "daemon/base/watchdog.h"
#include "daemon/bus/bus_shared.h"

struct bus_reader;

int bus_reader_new(struct bus_shared *shared, struct bus_reader **ret_reader); /* -ENOMEM, errno */
void bus_reader_free(struct bus_reader *reader);

/* Main thread. */
int bus_reader_start(struct bus_reader *reader, struct watchdog *watchdog); /* NULL: nobody watches */
void bus_reader_stop(struct bus_reader *reader);                            /* waits for its end */

/* Main thread. One order of a kind and bucket at a time: main sees to it. */
void bus_reader_order(struct bus_reader *reader, enum bus_order order, enum bus_bucket bucket);

/* Main thread: a batch of a snapshot was taken out of the mailbox. */
void bus_reader_credit(struct bus_reader *reader);

#endif
