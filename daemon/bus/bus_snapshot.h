/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a stream from its first message to a given one, without a hole, and posts what it reads in
 * batches. Reader thread; blocks for as long as it takes, at most its time limit.
 *
 * Consumers are the way of least cost (bus_pull.h). Who may make none, or whom their messages do not reach, reads with
 * gets (bus_gets.h), which need no more than a right to read. What NATS serves and permits decides.
 */
#ifndef BUS_SNAPSHOT_H
#define BUS_SNAPSHOT_H

#include <semaphore.h>

#include "daemon/base/watchdog.h"
#include "daemon/bus/bus_link.h"
#include "daemon/bus/bus_stream.h"

#define SNAPSHOT_CREDITS 8 /* batches on their way to main */

struct bus_snapshot {
    const struct bus_stream *stream;
    enum bus_bucket bucket;
    struct bus_shared *shared;
    sem_t *credits;
    int64_t stall_ns;
    const atomic_bool *stopping; /* given up when it is set */
    struct progress *progress;   /* of the thread that reads */
    uint64_t requests;           /* made so far: numbers their inboxes */
    bool of_mirror;              /* what is older than the bucket's MaxAge is in its mirror alone: not taken */
    bool remembers;              /* the bucket does not answer: BUS_MAIL_REMEMBERED, without info and end */
};

/*
 * Posts what it reads, then an info with the stream's state after that, then the end: without an error when
 * everything up to state's last sequence was read, which is what is returned, too. session is that of the link; given up when
 * it closes.
 */
int bus_snapshot_read(struct bus_snapshot *snapshot, struct bus_link *link, const struct bus_session *session,
                      const struct bus_stream_state *state);

#endif
