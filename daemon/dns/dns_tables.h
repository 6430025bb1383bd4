/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared table as the workers see it, handed from the main thread to them. Any thread.
 *
 * A worker holds a mapping for as long as it likes; whoever lets go of an old one last unmaps it. Looking whether
 * there is another costs one load; only changing over takes the lock.
 */
#ifndef DNS_DNS_TABLES_H
#define DNS_DNS_TABLES_H

#include <pthread.h>

#include "libdiscover/core/table_reader.h"

struct dns_table {
    struct table table;
    unsigned holders; /* guarded by the lock */
};

struct dns_tables {
    pthread_mutex_t lock;
    _Atomic(struct dns_table *) present;
};

void dns_tables_init(struct dns_tables *ts);
void dns_tables_fini(struct dns_tables *ts); /* nobody may hold any */

/* Main thread. Maps the table; the errors of table_map, -ENOMEM. */
int dns_tables_set(struct dns_tables *ts, int fd);

static inline bool dns_tables_changed(struct dns_tables *ts, const struct dns_table *mine)
{
    return atomic_load_explicit(&ts->present, memory_order_relaxed) != mine;
}

/* Lets go of the caller's mapping (NULL: none) and takes the present one; NULL: there is none yet. */
struct dns_table *dns_tables_change(struct dns_tables *ts, struct dns_table *mine);
void dns_tables_drop(struct dns_tables *ts, struct dns_table *mine);

#endif
