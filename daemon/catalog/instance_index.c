/* SPDX-License-Identifier: Apache-2.0 */
/* Many small hash tables of instances. */
#include "daemon/catalog/instance_index.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/hash.h"
#include "daemon/catalog/model.h"

#define BUCKETS_MIN 16

/* Identifiers are hashes, but known to all: by their own bits, names could be chosen that come into one bucket. */
static uint64_t spread(uint64_t id)
{
    return id * (hash_seed() | 1);
}

static struct instance_part *part_of(const struct instance_index *index, uint64_t id)
{
    return (struct instance_part *)&index->parts[spread(id) >> 32 & (INSTANCE_INDEX_PARTS - 1)];
}

static struct instance **bucket_of(const struct instance_part *p, uint64_t id)
{
    return &p->buckets[spread(id) >> 38 & (p->n_buckets - 1)];
}

struct instance *instance_index_find(const struct instance_index *index, uint64_t id)
{
    const struct instance_part *p = part_of(index, id);
    struct instance *i = p->n > 0 ? *bucket_of(p, id) : NULL;
    while (i && i->endpoint.id != id)
        i = i->next_of_bucket;
    return i;
}

static void link_to_bucket(struct instance_part *p, struct instance *i)
{
    struct instance **bucket = bucket_of(p, i->endpoint.id);
    i->next_of_bucket = *bucket;
    *bucket = i;
}

static int grow(struct instance_part *p)
{
    struct instance_part larger = {.n_buckets = p->n_buckets ? 2 * p->n_buckets : BUCKETS_MIN, .n = p->n};
    larger.buckets = calloc(larger.n_buckets, sizeof *larger.buckets);
    if (!larger.buckets)
        return -ENOMEM;
    for (size_t b = 0; b < p->n_buckets; b++)
        for (struct instance *i = p->buckets[b], *next; i; i = next) {
            next = i->next_of_bucket;
            link_to_bucket(&larger, i);
        }
    free(p->buckets);
    *p = larger;
    return 0;
}

int instance_index_add(struct instance_index *index, struct instance *i)
{
    struct instance_part *p = part_of(index, i->endpoint.id);
    if (p->n == p->n_buckets && grow(p) < 0)
        return -ENOMEM;
    link_to_bucket(p, i);
    p->n++;
    index->n++;
    return 0;
}

void instance_index_remove(struct instance_index *index, struct instance *i)
{
    struct instance_part *p = part_of(index, i->endpoint.id);
    struct instance **at = bucket_of(p, i->endpoint.id);
    while (*at != i)
        at = &(*at)->next_of_bucket;
    *at = i->next_of_bucket;
    p->n--;
    index->n--;
}

void instance_index_fini(struct instance_index *index, void (*let_go)(struct instance *i))
{
    for (struct instance_part *p = index->parts; p < index->parts + INSTANCE_INDEX_PARTS; p++) {
        for (size_t b = 0; b < p->n_buckets; b++)
            for (struct instance *i = p->buckets[b], *next; i; i = next) {
                next = i->next_of_bucket;
                let_go(i);
            }
        free(p->buckets);
    }
    *index = (struct instance_index){0};
}
