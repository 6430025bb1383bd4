/* SPDX-License-Identifier: Apache-2.0 */
/* Many small hash tables of instances. */
#include "daemon/catalog/instance_index.h"

#include <errno.h>

#include "daemon/catalog/model.h"

/* Identifiers are hashes: any of their bits will do. */
static size_t part_of(uint64_t id)
{
    return id % INSTANCE_INDEX_PARTS;
}

struct instance *instance_index_find(const struct instance_index *index, uint64_t id)
{
    struct instance *i;
    HASH_FIND(hh, index->parts[part_of(id)], &id, sizeof id, i);
    return i;
}

int instance_index_add(struct instance_index *index, struct instance *i)
{
    struct instance **part = &index->parts[part_of(i->endpoint.id)];
    HASH_ADD(hh, *part, endpoint.id, sizeof i->endpoint.id, i);
    if (!hash_added(&i->hh))
        return -ENOMEM;
    index->n++;
    return 0;
}

void instance_index_remove(struct instance_index *index, struct instance *i)
{
    struct instance **part = &index->parts[part_of(i->endpoint.id)];
    HASH_DEL(*part, i);
    index->n--;
}

struct instance *instance_index_any(const struct instance_index *index)
{
    for (size_t p = 0; index->n > 0 && p < INSTANCE_INDEX_PARTS; p++)
        if (index->parts[p])
            return index->parts[p];
    return NULL;
}
