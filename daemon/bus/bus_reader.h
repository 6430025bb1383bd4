/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader thread: makes the requests that block (a stream's state, making a stream, snapshots), one after the
 * other, so that puts never wait for them. Every order is answered by its mails, whatever happens.
 */
#ifndef BUS_READER_H
#define BUS_READER_H

#include "daemon/bus/bus_links.h"
#include "daemon/bus/bus_mirror.h"
#include "daemon/bus/bus_snapshot.h"

struct bus_reader;

struct bus_reader_setup {
    struct mailbox *box; /* to main */
    struct bus_counters *counters;
    struct bus_links *links;
    atomic_bool *message_ttl;         /* BUS_BUCKETS: found out here */
    const struct bus_stream *streams; /* BUS_BUCKETS */
    const struct bus_mirror *mirrors; /* BUS_BUCKETS */
    bool create, create_mirrors;
    size_t max_value;
    int64_t snapshot_timeout_ns;
};

int bus_reader_new(const struct bus_reader_setup *setup, struct bus_reader **ret_reader); /* -ENOMEM, errno */
void bus_reader_free(struct bus_reader *reader);

/* Main thread. */
int bus_reader_start(struct bus_reader *reader);
void bus_reader_set_watchdog(struct bus_reader *reader, struct watchdog *watchdog); /* before; or none */
void bus_reader_stop(struct bus_reader *reader);                                    /* waits for its end */

/* Main thread. One order of a kind and bucket at a time: main sees to it. */
void bus_reader_resync(struct bus_reader *reader, enum bus_bucket bucket);
void bus_reader_check(struct bus_reader *reader, enum bus_bucket bucket);
void bus_reader_remember(struct bus_reader *reader, enum bus_bucket bucket);
void bus_reader_look_at_mirror(struct bus_reader *reader, enum bus_bucket bucket);
void bus_reader_make_mirror(struct bus_reader *reader, enum bus_bucket bucket);

/* Main thread: a batch of a snapshot was taken out of the mailbox. */
void bus_reader_credit(struct bus_reader *reader);

#endif
