/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the catalog on disk (<state_dir>/catalog.snap), so that a start without network has answers: stale ones, with
 * their age. Main thread; the writing itself is done by a thread of its own, which reads the shared table like any
 * other reader.
 */
#ifndef DAEMON_KEEP_H
#define DAEMON_KEEP_H

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"

struct keep;

/* -ENOMEM, -ENAMETOOLONG. */
int keep_new(const char *state_dir, struct metrics *metrics, struct keep **ret_keep);

/* Waits for a file that is being written. NULL is fine. */
void keep_free(struct keep *k);

/*
 * Loads the file into the catalog. True when there was one; *ret_since_ns is when its contents were true, by
 * clock_now_ns(). A damaged one is set aside as catalog.snap.bad and said in the log.
 */
bool keep_load(struct keep *k, struct catalog *c, int64_t now_ns, int64_t *ret_since_ns);

/*
 * Writes the file if the table has changed since the last time, at a bounded rate. Call now and then while the
 * catalog is true. keep_write_now: without the rate, and waits; for the end.
 */
void keep_write(struct keep *k, const struct table_writer *table, int64_t now_ns);
void keep_write_now(struct keep *k, const struct table_writer *table);

#endif
