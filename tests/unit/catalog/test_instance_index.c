/* SPDX-License-Identifier: Apache-2.0 */
/* Instances are found by their identifiers, whichever these are. */
#include "daemon/catalog/instance_index.h"

#include <stdlib.h>

#include "daemon/catalog/model.h"
#include "tests/support/unit.h"

#define N 4000

static struct instance_index instances;
static struct instance all[N];

static void add_all(unsigned shift)
{
    for (uint64_t i = 0; i < N; i++) {
        all[i].endpoint.id = (i + 1) << shift;
        ck_assert_int_eq(instance_index_add(&instances, &all[i]), 0);
    }
}

static size_t longest_list(void)
{
    size_t longest = 0;
    for (const struct instance_part *p = instances.parts; p < instances.parts + INSTANCE_INDEX_PARTS; p++)
        for (size_t b = 0; b < p->n_buckets; b++) {
            size_t n = 0;
            for (const struct instance *i = p->buckets[b]; i; i = i->next_of_bucket)
                n++;
            longest = n > longest ? n : longest;
        }
    return longest;
}

static void keep(struct instance *i)
{
    (void)i;
}

START_TEST(found_until_removed)
{
    add_all(0);
    for (uint64_t i = 0; i < N; i += 2)
        instance_index_remove(&instances, &all[i]);
    for (uint64_t i = 0; i < N; i++)
        ck_assert_ptr_eq(instance_index_find(&instances, i + 1), i % 2 ? &all[i] : NULL);
    instance_index_fini(&instances, keep);
}
END_TEST

/* Names can be chosen whose identifiers have any bits in common. */
START_TEST(no_list_gets_long_by_choice_of_names)
{
    for (unsigned shift = 0; shift <= 24; shift += 8) {
        add_all(shift);
        ck_assert_uint_lt(longest_list(), 32);
        instance_index_fini(&instances, keep);
    }
}
END_TEST

UNIT_TESTS("instance_index", found_until_removed, no_list_gets_long_by_choice_of_names)
