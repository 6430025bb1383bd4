/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One snapshot of a stream while it is read, from its first message to a given one, by whichever way: its limits, and the
 * batches in which entries go to main. Reader thread.
 */
#ifndef BUS_READING_H
#define BUS_READING_H

#include <semaphore.h>

#include "daemon/base/watchdog.h"
#include "daemon/bus/bus_link.h"
#include "daemon/bus/bus_stream.h"

struct bus_reading {
    /* set by who begins it */
    struct bus_shared *shared;
    const struct bus_stream *stream;
    enum bus_bucket bucket;
    bool of_mirror; /* what is older than the bucket's MaxAge is in its mirror alone: not taken */
    bool remembers; /* the bucket does not answer: BUS_MAIL_REMEMBERED, without info and end */
    struct bus_link *link;
    const struct bus_session *session; /* of the link; given up when it closes */
    const struct bus_stream_state *state;
    sem_t *credits;              /* batches that may still be on their way to main */
    const atomic_bool *stopping; /* given up when it is set */
    struct progress *progress;   /* of the thread that reads */
    uint64_t *requests;          /* made so far, for all snapshots: numbers their inboxes */

    /* the rest begins with zero, next_seq with 1 */
    char reason[BUS_REASON_CAP]; /* why it failed */
    int64_t deadline_ns;
    int64_t now_ns; /* on the server's clock, as ages are counted */
    struct entries_mail *batch;
    uint64_t next_seq; /* everything below was read */
    bool only_pulls;   /* the consumer is the only way to read it: gets are of no use */
};

/*
 * The two ways of reading: bus_pull.c and bus_gets.c. 0 when everything up to the state's last sequence was read, a negative
 * errno with a reason, or that a way is of no use (any more): then by another way, from next_seq on. They block.
 */
#define BUS_WAY_CLOSED 1 /* nobody serves it, or it is not permitted */
#define BUS_WAY_CUT    2 /* something on the way ends it */

int bus_pull_read(struct bus_reading *r); /* where consumers are ours to make */
int bus_gets_read(struct bus_reading *r); /* never BUS_WAY_... */

/* "<API>.<verb>.<stream>"; and whether NATS has denied such a request, or one below it, on this connection. */
void bus_reading_subject(const struct bus_reading *r, const char *verb, char ret_subject[static BUS_SUBJECT_CAP]);
bool bus_reading_denied(const struct bus_reading *r, const char *verb);

/* Keeps the reason; returns err. */
int bus_reading_fail(struct bus_reading *r, int err, const char *reason);

/* 0, or a negative errno: the connection ends, or its time is over. */
int bus_reading_check(struct bus_reading *r);

/* Takes an entry whose time on the server's clock is time_ns; waits while main is behind. 0 or a negative errno. */
int bus_reading_add(struct bus_reading *r, struct kv_message *m, int64_t time_ns);

/* Posts what was added and not posted yet. */
void bus_reading_post(struct bus_reading *r);

/*
 * How long to wait for a server that has fallen silent: longer each time, since it may be slow. stalls: how often it
 * was waited for.
 */
int64_t bus_reading_wait_ns(const struct bus_reading *r, unsigned stalls);

#endif
