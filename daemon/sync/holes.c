/* SPDX-License-Identifier: Apache-2.0 */
/* The sequences that are missing in a live feed, as a few ranges. */
#include "daemon/sync/holes.h"

#include <string.h>

static bool insert(struct holes *h, size_t at, uint64_t first, uint64_t last, int64_t since_ns)
{
    if (h->n == HOLES_MAX)
        return false;
    memmove(&h->all[at + 1], &h->all[at], (h->n - at) * sizeof h->all[0]);
    h->all[at] = (struct hole){first, last, since_ns};
    h->n++;
    return true;
}

static void erase(struct holes *h, size_t at)
{
    h->n--;
    memmove(&h->all[at], &h->all[at + 1], (h->n - at) * sizeof h->all[0]);
}

bool holes_add(struct holes *h, uint64_t first, uint64_t last, int64_t now_ns)
{
    return insert(h, h->n, first, last, now_ns);
}

/* Takes one sequence out of its hole, which may become two. */
static bool fill(struct holes *h, size_t at, uint64_t seq)
{
    struct hole *hole = &h->all[at];
    if (seq > hole->first && seq < hole->last) {
        if (!insert(h, at + 1, seq + 1, hole->last, hole->since_ns))
            return false;
        hole->last = seq - 1;
    } else if (hole->first == hole->last) {
        erase(h, at);
    } else if (seq == hole->first) {
        hole->first++;
    } else {
        hole->last--;
    }
    return true;
}

bool holes_fill(struct holes *h, uint64_t seq)
{
    for (size_t i = 0; i < h->n; i++)
        if (seq >= h->all[i].first && seq <= h->all[i].last)
            return fill(h, i, seq);
    return false;
}

void holes_forget(struct holes *h, uint64_t upto)
{
    for (size_t i = h->n; i-- > 0;)
        if (h->all[i].last <= upto)
            erase(h, i);
        else if (h->all[i].first <= upto)
            h->all[i].first = upto + 1;
}

uint64_t holes_first(const struct holes *h)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < h->n; i++)
        first = h->all[i].first < first ? h->all[i].first : first;
    return first;
}

uint64_t holes_last(const struct holes *h)
{
    uint64_t last = 0;
    for (size_t i = 0; i < h->n; i++)
        last = h->all[i].last > last ? h->all[i].last : last;
    return last;
}
