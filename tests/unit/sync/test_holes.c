/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences that are missing, against a list of them. */
#include "daemon/sync/holes.h"

#include <stdlib.h>

#include "tests/support/unit.h"

START_TEST(filled_from_any_side)
{
    struct holes h = {.n = 0};
    ck_assert(holes_add(&h, 10, 14, 1));
    ck_assert(holes_add(&h, 20, 20, 2));
    ck_assert_uint_eq(holes_first(&h), 10);
    ck_assert(!holes_fill(&h, 9));
    ck_assert(holes_fill(&h, 12)); /* now two, as old as the one was */
    ck_assert_uint_eq(h.n, 3);
    ck_assert_int_eq(h.all[1].since_ns, 1);
    ck_assert(!holes_fill(&h, 12));
    ck_assert(holes_fill(&h, 10));
    ck_assert(holes_fill(&h, 11));
    ck_assert_uint_eq(holes_first(&h), 13);
    ck_assert(holes_fill(&h, 14));
    ck_assert(holes_fill(&h, 13));
    ck_assert(holes_fill(&h, 20));
    ck_assert_uint_eq(h.n, 0);
    ck_assert_uint_eq(holes_first(&h), UINT64_MAX);
}
END_TEST

START_TEST(forgotten_up_to_a_sequence)
{
    struct holes h = {.n = 0};
    ck_assert(holes_add(&h, 3, 4, 1));
    ck_assert(holes_add(&h, 6, 9, 1));
    ck_assert(holes_add(&h, 12, 12, 1));
    holes_forget(&h, 7);
    ck_assert_uint_eq(h.n, 2);
    ck_assert_uint_eq(holes_first(&h), 8);
    holes_forget(&h, 12);
    ck_assert_uint_eq(h.n, 0);
}
END_TEST

START_TEST(full)
{
    struct holes h = {.n = 0};
    ck_assert(holes_add(&h, 1, 9, 0));
    for (uint64_t i = 1; i < HOLES_MAX; i++)
        ck_assert(holes_add(&h, 100 * i, 100 * i, 0));
    ck_assert(!holes_add(&h, 5000, 5000, 0));
    ck_assert(!holes_fill(&h, 5)); /* would be one more */
    ck_assert(holes_fill(&h, 1));
    ck_assert(holes_fill(&h, 100));
    ck_assert(holes_fill(&h, 5));
}
END_TEST

/* In any order whatever each sequence fills once, and in the end nothing is missing. */
START_TEST(any_order)
{
    enum { N = 40 };
    for (unsigned seed = 0; seed < 500; seed++) {
        struct holes h = {.n = 0};
        unsigned order[N];
        srandom(seed);
        for (unsigned i = 0; i < N; i++) {
            unsigned k = (unsigned)random() % (i + 1);
            order[i] = order[k];
            order[k] = i + 1;
        }
        ck_assert(holes_add(&h, 1, N, 0));
        for (unsigned i = 0; i < N; i++) {
            ck_assert(holes_fill(&h, order[i]));
            ck_assert(!holes_fill(&h, order[i]));
        }
        ck_assert_uint_eq(h.n, 0);
    }
}
END_TEST

UNIT_TESTS("holes", filled_from_any_side, forgotten_up_to_a_sequence, full, any_order)
