/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog as a file, for a start without network, one for each region: the blocks of the shared table one after the other, and a
 * checksum over all. Written from the table like any reader reads it, so by any thread, without stopping anybody;
 * each block is whole in itself, as it was at some moment of the writing.
 *
 *   words: magic, version, wall clock in ms | length of a block, its words | ... | 0, XXH3 of all before
 */
#ifndef CATALOG_CATALOG_FORMAT_H
#define CATALOG_CATALOG_FORMAT_H

#include <stdint.h>

#include "daemon/catalog/catalog.h"

/*
 * Replaces the file (temporary file, fsync, rename) by what the table has of a region; "": of the own one. wall_ms is when this was the state of the world. Blocking; any
 * thread. A negative errno (-ENOSPC: no room): the file is then what it was.
 */
int catalog_format_write(const struct table *table, const char *region, const char *path, int64_t wall_ms);

/*
 * Puts what the file has into the catalog, older than anything the bus can say (epoch 0), hosts as they were; what
 * this host itself had registered is left out. Main thread. *ret_wall_ms is when it was the state of the world.
 * -ENOENT; -EBADMSG: damaged, cut, or not such a file: nothing was put; or a negative errno.
 */
int catalog_format_load(struct catalog *c, const char *path, int64_t now_ns, int64_t *ret_wall_ms);

/* Calls fn for what this host itself had registered, each of epoch 0. As catalog_format_load. */
typedef void catalog_format_own_fn(void *arg, const struct instance_key *key, const struct record *record);
int catalog_format_own(const char *path, const char *host, catalog_format_own_fn *fn, void *arg);

#endif
