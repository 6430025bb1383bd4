/* SPDX-License-Identifier: Apache-2.0 */
/* The table that look-ups read; the argument why this is safe is in readers.h. */
#include "libdiscover/lookup/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static struct mapping *pop(struct mapping **list)
{
    struct mapping *mapping = *list;
    if (mapping)
        *list = mapping->next;
    return mapping;
}

static struct mapping *get_spare(struct mappings *m)
{
    struct mapping *mapping = pop(&m->spare);
    return mapping ? mapping : cache_line_alloc(sizeof *mapping);
}

static bool replace(struct mappings *m, struct mapping *mapping)
{
    struct mapping *old = atomic_exchange(&m->current, mapping);
    if (old)
        LL_PREPEND(m->retired, old);
    return mappings_reclaim(m);
}

int mappings_install(struct mappings *m, const struct table *table)
{
    struct mapping *mapping = get_spare(m);
    if (!mapping)
        return -ENOMEM;
    mapping->table = *table;
    atomic_store_explicit(&mapping->aged, 0, memory_order_relaxed);
    atomic_store_explicit(&m->seed, table->seed, memory_order_relaxed);
    (void)replace(m, mapping);
    return 0;
}

bool mappings_clear(struct mappings *m)
{
    return replace(m, NULL);
}

bool mappings_reclaim(struct mappings *m)
{
    struct mapping *left = NULL, *mapping;
    while ((mapping = pop(&m->retired))) {
        if (readers_any(&mapping->readers)) {
            LL_PREPEND(left, mapping);
            continue;
        }
        table_unmap(&mapping->table);
        LL_PREPEND(m->spare, mapping);
    }
    m->retired = left;
    return left != NULL;
}

static void free_list(struct mapping *mapping)
{
    while (mapping) {
        struct mapping *next = mapping->next;
        table_unmap(&mapping->table);
        free(mapping);
        mapping = next;
    }
}

void mappings_fini(struct mappings *m)
{
    struct mapping *current = atomic_load(&m->current);
    if (current)
        LL_PREPEND(m->retired, current);
    free_list(m->retired);
    free_list(m->spare);
    memset(m, 0, sizeof *m);
}
