/* SPDX-License-Identifier: Apache-2.0 */
/* Divides the sequences of a stream among several readers. */
#include "daemon/bus/bus_ranges.h"

#define SHARE_MIN 4 /* sequences that are worth a chain of their own */

static uint64_t left(const struct bus_range *range)
{
    return range->next > range->last ? 0 : range->last - range->next + 1;
}

void bus_ranges_init(struct bus_ranges *ranges, uint64_t first, uint64_t last, size_t n)
{
    uint64_t all = first > last ? 0 : last - first + 1;
    ranges->n = n < 1 ? 1 : n > RANGES_MAX ? RANGES_MAX : n;
    ranges->end = last + 1;
    uint64_t share = all / ranges->n, more = all % ranges->n;
    for (size_t i = 0; i < ranges->n; i++) {
        uint64_t length = share + (i < more);
        ranges->range[i] = (struct bus_range){.next = first, .last = first + length - 1};
        if (length == 0)
            ranges->range[i] = (struct bus_range){.next = 1, .last = 0};
        first += length;
    }
}

static struct bus_range *longest(struct bus_ranges *ranges)
{
    struct bus_range *found = &ranges->range[0];
    for (size_t i = 1; i < ranges->n; i++)
        if (left(&ranges->range[i]) > left(found))
            found = &ranges->range[i];
    return found;
}

/* The first sequence is being asked for by its owner: half of the rest is taken. */
static void take_half(struct bus_range *from, struct bus_range *to)
{
    uint64_t half = left(from) / 2;
    to->last = from->last;
    from->last -= half;
    to->next = from->last + 1;
}

bool bus_ranges_next(struct bus_ranges *ranges, size_t i, uint64_t *ret_seq)
{
    struct bus_range *own = &ranges->range[i];
    if (left(own) == 0) {
        struct bus_range *other = longest(ranges);
        if (left(other) < SHARE_MIN)
            return false;
        take_half(other, own);
    }
    *ret_seq = own->next;
    return true;
}

/* Nothing is in [from, to): nobody needs to ask for it. */
static void skip(struct bus_ranges *ranges, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < ranges->n; i++) {
        struct bus_range *range = &ranges->range[i];
        if (range->next >= from && range->next < to)
            range->next = to;
    }
}

bool bus_ranges_found(struct bus_ranges *ranges, size_t i, uint64_t seq)
{
    struct bus_range *own = &ranges->range[i];
    uint64_t asked = own->next;
    bool mine = left(own) > 0 && seq <= own->last;
    if (mine)
        own->next = seq + 1;
    else
        skip(ranges, asked, seq);
    return mine;
}

void bus_ranges_nothing(struct bus_ranges *ranges, size_t i)
{
    skip(ranges, ranges->range[i].next, UINT64_MAX);
}

bool bus_ranges_done(const struct bus_ranges *ranges)
{
    for (size_t i = 0; i < ranges->n; i++)
        if (left(&ranges->range[i]) > 0)
            return false;
    return true;
}

uint64_t bus_ranges_read(const struct bus_ranges *ranges)
{
    uint64_t lowest = ranges->end;
    for (size_t i = 0; i < ranges->n; i++)
        if (left(&ranges->range[i]) > 0 && ranges->range[i].next < lowest)
            lowest = ranges->range[i].next;
    return lowest;
}
