/* SPDX-License-Identifier: Apache-2.0 */
/* Allocates blocks in the shared segment: size classes with a free list each. */
#include "daemon/catalog/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"

void heap_init(struct heap *h, uint64_t start, uint64_t end)
{
    memset(h, 0, sizeof *h);
    h->next = start;
    h->end = end;
}

void heap_fini(struct heap *h)
{
    for (size_t i = 0; i < HEAP_CLASSES; i++)
        free(h->classes[i].free);
    memset(h, 0, sizeof *h);
}

/*
 * Classes 8, 10, 12, 14, 16, 20, 24, 28, 32, ...: at most a quarter of a block is lost. A service that grows
 * by an instance at a time leaves only sizes that others of its kind take up again.
 */
static uint64_t class_words(size_t class)
{
    return (4 + class % 4) << (class / 4 + 1);
}

static size_t class_of(uint64_t words)
{
    if (words <= 8)
        return 0;
    size_t shift = (size_t)(63 - __builtin_clzll(words - 1)) - 2; /* words-1 has its top three bits at shift */
    size_t quarter = (size_t)((words - 1) >> shift) - 4 + 1;      /* 1..4 */
    return (shift - 1) * 4 + quarter;
}

int heap_take(struct heap *h, uint64_t words, uint64_t *ret_offset)
{
    size_t class = class_of(words);
    if (class >= HEAP_CLASSES)
        return -ENOSPC;
    uint64_t size = class_words(class);
    struct heap_class *c = &h->classes[class];
    if (c->n) {
        *ret_offset = c->free[--c->n];
    } else {
        if (size > h->end - h->next || h->reserve > h->end - h->next - size)
            return -ENOSPC;
        *ret_offset = h->next;
        h->next += size;
    }
    h->used += size;
    return 0;
}

void heap_give(struct heap *h, uint64_t offset, uint64_t words)
{
    struct heap_class *c = &h->classes[class_of(words)];
    h->used -= class_words(class_of(words));
    if (array_grow(&c->free, c->n, &c->cap, sizeof *c->free) < 0)
        return; /* lost until the next segment, which is the lesser evil */
    c->free[c->n++] = offset;
}
