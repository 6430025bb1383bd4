/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances by their identifier. One hash table that doubles its buckets moves all it has at once, which for hundreds of
 * thousands is longer than anybody may keep the loop: so it is many small tables, each of which grows by itself. Main
 * thread.
 */
#ifndef CATALOG_INSTANCE_INDEX_H
#define CATALOG_INSTANCE_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct instance;

#define INSTANCE_INDEX_PARTS 64 /* at a million instances, so many thousand each are moved at a time: less than 1 ms */

struct instance_part {
    struct instance **buckets; /* lists */
    size_t n_buckets, n;       /* a power of two, or 0; no fewer than instances */
};

/* Zeroed: empty. Owns the tables, not the instances. */
struct instance_index {
    struct instance_part parts[INSTANCE_INDEX_PARTS];
    size_t n;
};

/* NULL: there is none. */
struct instance *instance_index_find(const struct instance_index *index, uint64_t id);

/* Adds an instance by its endpoint.id, which is not in the index yet. -ENOMEM. */
int instance_index_add(struct instance_index *index, struct instance *i);
void instance_index_remove(struct instance_index *index, struct instance *i);

/* Empties it; let_go is called for each instance that was in it. */
void instance_index_fini(struct instance_index *index, void (*let_go)(struct instance *i));

#endif
