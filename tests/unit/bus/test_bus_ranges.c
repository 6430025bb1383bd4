/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the order of the answers and wherever the messages lie: each is taken once, none is left out. */
#include "daemon/bus/bus_ranges.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

#define SEQS 5000

struct stream {
    bool stored[SEQS + 1];
    unsigned taken[SEQS + 1];
    uint64_t asked[RANGES_MAX]; /* 0: nothing is out */
    unsigned requests;
};

static uint64_t first_from(const struct stream *s, uint64_t seq)
{
    while (seq <= SEQS && !s->stored[seq])
        seq++;
    return seq <= SEQS ? seq : 0;
}

static void ask(struct stream *s, struct bus_ranges *r, size_t i)
{
    s->asked[i] = 0;
    if (bus_ranges_next(r, i, &s->asked[i]))
        s->requests++;
}

static void answer(struct stream *s, struct bus_ranges *r, size_t i)
{
    uint64_t seq = first_from(s, s->asked[i]);
    if (seq == 0)
        bus_ranges_nothing(r, i);
    else if (bus_ranges_found(r, i, seq))
        s->taken[seq]++;
    ask(s, r, i);
}

/* A read of [first, last] by n chains whose requests are answered in random order. */
static void read_all(struct stream *s, uint64_t first, uint64_t last, size_t n)
{
    struct bus_ranges r;
    unsigned turns = 0;
    bus_ranges_init(&r, first, last, n);
    memset(s->taken, 0, sizeof s->taken);
    memset(s->asked, 0, sizeof s->asked);
    s->requests = 0;
    for (size_t i = 0; i < r.n; i++)
        ask(s, &r, i);
    while (!bus_ranges_done(&r)) {
        size_t i = (size_t)rand() % r.n;
        if (s->asked[i])
            answer(s, &r, i);
        ck_assert_uint_lt(turns++, 100 * SEQS);
    }
    for (uint64_t seq = 1; seq <= SEQS; seq++)
        ck_assert_msg(s->taken[seq] == (s->stored[seq] && seq >= first && seq <= last), "%u times %u", s->taken[seq],
                      (unsigned)seq);
    ck_assert_uint_gt(bus_ranges_read(&r), last);
}

START_TEST(each_message_is_taken_once)
{
    static struct stream s;
    srand(1);
    for (int round = 0; round < 60; round++) {
        unsigned per_mille = (unsigned[]){0, 1, 20, 500, 1000}[round % 5];
        for (uint64_t seq = 1; seq <= SEQS; seq++)
            s.stored[seq] = (unsigned)rand() % 1000 < per_mille;
        read_all(&s, 1, SEQS, (size_t)1 + (size_t)rand() % RANGES_MAX);
        read_all(&s, 700, 4200, (size_t)1 + (size_t)rand() % 64);
    }
}
END_TEST

/* All messages in the last hundredth: chains come from where there is nothing to where the work is. */
START_TEST(a_dense_end_is_shared)
{
    static struct stream s;
    struct bus_ranges r;
    uint64_t seq;
    memset(&s, 0, sizeof s);
    for (uint64_t i = SEQS - 400; i <= SEQS; i++)
        s.stored[i] = true;
    bus_ranges_init(&r, 1, SEQS, 16);
    ck_assert(bus_ranges_next(&r, 0, &seq) && seq == 1);
    ck_assert(!bus_ranges_found(&r, 0, SEQS - 400));
    ck_assert_uint_eq(bus_ranges_read(&r), SEQS - 400); /* nobody asks for what is before it */
    size_t busy = 0;
    for (size_t i = 0; i < r.n; i++)
        busy += bus_ranges_next(&r, i, &seq);
    ck_assert_uint_eq(busy, 16);
    read_all(&s, 1, SEQS, 16);
    ck_assert_uint_lt(s.requests, 401 + 200);
}
END_TEST

START_TEST(nothing_to_read)
{
    struct bus_ranges r;
    uint64_t seq;
    bus_ranges_init(&r, 5, 4, 8);
    ck_assert(bus_ranges_done(&r) && !bus_ranges_next(&r, 3, &seq));
    bus_ranges_init(&r, 9, 9, 0);
    ck_assert(!bus_ranges_done(&r) && bus_ranges_next(&r, 0, &seq) && seq == 9);
    bus_ranges_nothing(&r, 0);
    ck_assert(bus_ranges_done(&r));
    bus_ranges_init(&r, 1, UINT64_MAX - 1, RANGES_MAX);
    ck_assert(bus_ranges_next(&r, RANGES_MAX - 1, &seq) && seq > UINT64_MAX / 2);
}
END_TEST

UNIT_TESTS("bus_ranges", each_message_is_taken_once, a_dense_end_is_shared, nothing_to_read)
