/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of bus.h share. Main thread. */
#ifndef BUS_IMPL_H
#define BUS_IMPL_H

#include "daemon/bus/bus.h"
#include "daemon/bus/bus_publisher.h"
#include "daemon/bus/bus_reader.h"

struct bus {
    struct bus_events events;
    void *arg;
    struct bus_shared shared;
    struct mail *todo; /* taken from the box, and not yet done with; NULL */
    struct bus_reader *reader;
    struct bus_publisher *publisher;
    int64_t busy_since_ns; /* since then each slice has left something to dispatch; 0: the last one has not */
    bool is_behind;        /* that has been so for long */
    size_t puts_out;       /* without a result that was dispatched */
    bool under_way[BUS_ORDERS][BUS_BUCKETS];
    enum bus_mirror_state mirror_found[BUS_BUCKETS];
    bool connected;
    uint64_t fingerprint; /* of the access, as last set */
};

/* The next of those that were taken from the mailbox; the caller frees it. NULL: none is left. */
struct bus_mail *bus_next_mail(struct bus *b);

#endif
