/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the catalog on disk (<state_dir>/catalog.snap), so that a start without network has answers: stale ones, with
 * their age. Main thread; the writing itself is done by a thread of its own, which reads the shared table like any
 * other reader.
 */
#ifndef REGISTRY_CATALOG_FILE_H
#define REGISTRY_CATALOG_FILE_H

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog_format.h"

struct event_base;
struct catalog_file;

/*
 * region: "" for the own one (catalog.snap), else another one (catalog@<region>.snap). -ENAMETOOLONG, -ENOMEM, or another negative
 * errno.
 */
int catalog_file_new(struct event_base *base, const char *state_dir, const char *region, struct metrics *metrics,
                     struct catalog_file **ret_f);

/* Waits for a file that is being written, which blocks on the disk. NULL is fine. */
void catalog_file_free(struct catalog_file *f);

/*
 * Loads the file into the catalog. Returns true when there was one; *ret_since_ns is when its contents were true, by
 * clock_now_ns(). A damaged file is set aside as catalog.snap.bad, and logged.
 */
bool catalog_file_load(struct catalog_file *f, struct catalog *c, int64_t now_ns, int64_t *ret_since_ns);

/*
 * Calls fn for each registration of this host that the file has, each of epoch 0. A file that cannot be read has none.
 */
void catalog_file_own(const struct catalog_file *f, const char *host, catalog_format_own_fn *fn, void *arg);

/*
 * Writes the file, on its thread, if the table has changed since the last time, at a bounded rate; its contents were
 * true at true_ns. Call at each turn. catalog_file_hurry: the next file is written much sooner, for what must not be
 * lost. catalog_file_write_now: regardless of the rate, and waits for the disk; for the end of the daemon.
 */
void catalog_file_write(struct catalog_file *f, const struct table_writer *table, int64_t true_ns, int64_t now_ns);
void catalog_file_hurry(struct catalog_file *f);
void catalog_file_write_now(struct catalog_file *f, const struct table_writer *table, int64_t true_ns);

#endif
