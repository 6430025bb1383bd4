/* SPDX-License-Identifier: Apache-2.0 */
/* The table that look-ups read; the argument why this is safe is in the header. */
#include "libdiscover/mapping.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void mappings_init(struct mappings *m)
{
    memset(m, 0, sizeof *m);
}

/* A thread always gets the same counter of a mapping. Stacks lie pages apart, and so do what pthread_self names. */
static _Atomic uint32_t *my_counter(struct mapping *mapping)
{
    uint64_t self = (uint64_t)(uintptr_t)pthread_self() >> 12;
    uint64_t mixed = self * UINT64_C(0x9e3779b97f4a7c15);
    return &mapping->stripes[mixed >> 60 & (MAPPING_STRIPES - 1)].readers;
}

struct mapping *mapping_enter(struct mappings *m)
{
    struct mapping *mapping;
    while ((mapping = atomic_load(&m->current))) {
        _Atomic uint32_t *counter = my_counter(mapping);
        atomic_fetch_add(counter, 1);
        if (atomic_load(&m->current) == mapping)
            break;
        atomic_fetch_sub(counter, 1);
    }
    return mapping;
}

void mapping_leave(struct mapping *mapping)
{
    atomic_fetch_sub_explicit(my_counter(mapping), 1, memory_order_release);
}

static bool is_read(struct mapping *mapping)
{
    for (size_t i = 0; i < MAPPING_STRIPES; i++)
        if (atomic_load(&mapping->stripes[i].readers) != 0)
            return true;
    return false;
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

bool mappings_reclaim(struct mappings *m)
{
    struct mapping *left = NULL, *mapping;
    while ((mapping = pop(&m->retired))) {
        if (is_read(mapping)) {
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
