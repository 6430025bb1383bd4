/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of deadlines, the earliest first. */
#include "daemon/base/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void deadlines_fini(struct deadlines *d)
{
    free(d->heap);
    *d = (struct deadlines){0};
}

int deadlines_reserve(struct deadlines *d, size_t n)
{
    if (n <= d->cap)
        return 0;
    size_t cap = d->cap * 2 > n ? d->cap * 2 : n;
    struct deadline **heap = realloc(d->heap, cap * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    d->heap = heap;
    d->cap = cap;
    return 0;
}

static void place(struct deadlines *d, size_t slot, struct deadline *deadline)
{
    d->heap[slot - 1] = deadline;
    deadline->slot = slot;
}

static void sift_up(struct deadlines *d, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    while (slot > 1 && deadline->at_ns < d->heap[slot / 2 - 1]->at_ns) {
        place(d, slot, d->heap[slot / 2 - 1]);
        slot /= 2;
    }
    place(d, slot, deadline);
}

static void sift_down(struct deadlines *d, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    for (size_t child = 2 * slot; child <= d->n; child = 2 * slot) {
        if (child < d->n && d->heap[child]->at_ns < d->heap[child - 1]->at_ns)
            child++;
        if (deadline->at_ns <= d->heap[child - 1]->at_ns)
            break;
        place(d, slot, d->heap[child - 1]);
        slot = child;
    }
    place(d, slot, deadline);
}

void deadlines_set(struct deadlines *d, struct deadline *deadline, int64_t at_ns)
{
    deadline->at_ns = at_ns;
    if (!deadline->slot) {
        assert(d->n < d->cap);
        place(d, ++d->n, deadline);
    }
    sift_up(d, deadline);
    sift_down(d, deadline);
}

void deadlines_clear(struct deadlines *d, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    if (!slot)
        return;
    deadline->slot = 0;
    struct deadline *last = d->heap[--d->n];
    if (last == deadline)
        return;
    place(d, slot, last);
    sift_up(d, last);
    sift_down(d, last);
}

struct deadline *deadlines_first(const struct deadlines *d)
{
    return d->n ? d->heap[0] : NULL;
}

int64_t deadlines_next_ns(const struct deadlines *d)
{
    return d->n ? d->heap[0]->at_ns : INT64_MAX;
}
