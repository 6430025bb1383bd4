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

struct catalog_file;

/* Of another region (catalog@<region>.snap), or of the own one: "". -ENOMEM, -ENAMETOOLONG. */
int catalog_file_new(const char *state_dir, const char *region, struct metrics *metrics,
                     struct catalog_file **ret_keep);

/* Waits for a file that is being written. NULL is fine. */
void catalog_file_free(struct catalog_file *k);

/*
 * Loads the file into the catalog. True when there was one; *ret_since_ns is when its contents were true, by
 * clock_now_ns(). A damaged one is set aside as catalog.snap.bad and said in the log.
 */
bool catalog_file_load(struct catalog_file *k, struct catalog *c, int64_t now_ns, int64_t *ret_since_ns);

/* Calls fn for what this host itself had registered by the file, each of epoch 0. */
void catalog_file_own(const struct catalog_file *k, const char *host, catalog_format_own_fn *fn, void *arg);

/*
 * Writes the file if the table has changed since the last time, at a bounded rate; what is in it was true at true_ns.
 * Call at each turn. catalog_file_hurry: much sooner than otherwise, for what must not be lost.
 * catalog_file_write_now: without the rate, and waits; for the end.
 */
void catalog_file_write(struct catalog_file *k, const struct table_writer *table, int64_t true_ns, int64_t now_ns);
void catalog_file_hurry(struct catalog_file *k);
void catalog_file_write_now(struct catalog_file *k, const struct table_writer *table, int64_t true_ns);

#endif
