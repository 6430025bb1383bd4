/* SPDX-License-Identifier: Apache-2.0 */
/* The table that look-ups read; the argument why this is safe is in readers.h. */
#include "libdiscover/lookup/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void mappings_init(struct mappings *m)
{
    memset(m, 0, sizeof *m);
}

/* All pins use one stripe: another thread may unpin, whose own counter would go below 0. */
void mapping_pin(struct mapping *mapping)
{
    readers_enter(&mapping->readers, 0);
}

void mapping_unpin(struct mapping *mapping)
{
    readers_leave(&mapping->readers, 0);
}

static void push(struct mapping **list, struct mapping *mapping)
{
    mapping->next = *list;
    *list = mapping;
}

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
    if (!mapping && (mapping = aligned_alloc(CACHE_LINE, sizeof *mapping)))
        memset(mapping, 0, sizeof *mapping);
    return mapping;
}

int mappings_install(struct mappings *m, const struct table *table)
{
    struct mapping *mapping = get_spare(m);
    if (!mapping)
        return -ENOMEM;
    mapping->table = *table;
    atomic_store_explicit(&mapping->aged, 0, memory_order_relaxed);
    struct mapping *old = atomic_exchange(&m->current, mapping);
    if (old)
        push(&m->retired, old);
    (void)mappings_reclaim(m);
    return 0;
}

bool mappings_clear(struct mappings *m)
{
    struct mapping *old = atomic_exchange(&m->current, NULL);
    if (old)
        push(&m->retired, old);
    return mappings_reclaim(m);
}

bool mappings_reclaim(struct mappings *m)
{
    struct mapping *left = NULL, *mapping;
    while ((mapping = pop(&m->retired))) {
        if (readers_any(&mapping->readers)) {
            push(&left, mapping);
            continue;
        }
        table_unmap(&mapping->table);
        push(&m->spare, mapping);
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
        push(&m->retired, current);
    free_list(m->retired);
    free_list(m->spare);
    mappings_init(m);
}
