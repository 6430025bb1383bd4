/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of bus.h share. Main thread. */
#ifndef BUS_IMPL_H
#define BUS_IMPL_H

#include "daemon/bus/bus.h"
#include "daemon/bus/bus_publisher.h"
#include "daemon/bus/bus_reader.h"
#include "daemon/bus/bus_requests.h"

struct bus {
    struct bus_events events;
    void *arg;
    char *text;                 /* all strings of the options, one behind the other */
    struct bus_options options; /* strings point into text; what is access to it stands in the publisher */
    struct bus_counters counters;
    struct mailbox *box;
    struct mail *todo; /* taken from the box, not yet looked at */
    struct {
        size_t n, offset;
    } entry; /* of the first of them, if it is part of a snapshot: so far */
    struct bus_stream streams[BUS_BUCKETS];
    struct bus_feed feeds[2][BUS_BUCKETS]; /* of each link */
    char feed_subjects[BUS_BUCKETS][BUS_KEY_MAX + 1];
    struct bus_puts *puts;
    struct bus_links links;
    struct bus_requests requests;
    atomic_bool message_ttl[BUS_BUCKETS];
    struct bus_reader *reader;
    struct bus_publisher *writer;
    size_t puts_out; /* without a result that was dispatched */
    bool resyncing[BUS_BUCKETS], checking[BUS_BUCKETS], remembering[BUS_BUCKETS], looking[BUS_BUCKETS],
        making[BUS_BUCKETS];
    struct bus_mirror mirrors[BUS_BUCKETS];
    enum bus_mirror_state mirror_found[BUS_BUCKETS];
    bool connected;
    uint64_t fingerprint; /* of the access, as last told */
};

/* The next of those that were taken from the mailbox; the caller frees it. NULL: none is left. */
struct bus_mail *bus_next_mail(struct bus *b);

#endif
