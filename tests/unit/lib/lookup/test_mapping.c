/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping lives as long as somebody reads it, and no longer. */
#include "libdiscover/lookup/mapping.h"

#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct table map_catalog(struct catalog *c)
{
    struct table t;
    ck_assert_int_eq(table_map(stage_table_fd(c), &t), 0);
    return t;
}

START_TEST(none_yet)
{
    struct mappings m = {0};
    ck_assert_ptr_null(mapping_enter(&m));
    ck_assert(!mappings_reclaim(&m));
    mappings_fini(&m);
}
END_TEST

START_TEST(replaced_mapping_waits_for_its_readers)
{
    struct catalog *c = stage_catalog(1, 8000);
    struct mappings m = {0};
    struct table first = map_catalog(c), second = map_catalog(c), third = map_catalog(c);
    ck_assert_int_eq(mappings_install(&m, &first), 0);
    struct mapping *reading = mapping_enter(&m);
    ck_assert_ptr_eq(reading->table.words, first.words);
    ck_assert_int_eq(mappings_install(&m, &second), 0);
    ck_assert(mappings_reclaim(&m));
    ck_assert_uint_eq(table_load(&reading->table.words[TABLE_H_MAGIC]), TABLE_MAGIC);
    ck_assert_int_eq(mappings_install(&m, &third), 0); /* nobody reads the second */
    ck_assert_ptr_null(m.retired->next);
    mapping_leave(reading);
    ck_assert(!mappings_reclaim(&m));
    struct mapping *now = mapping_enter(&m);
    ck_assert_ptr_eq(now->table.words, third.words);
    mapping_leave(now);
    mappings_fini(&m);
    catalog_free(c);
}
END_TEST

START_TEST(structures_are_used_again)
{
    struct catalog *c = stage_catalog(1, 8000);
    struct mappings m = {0};
    for (int i = 0; i < 100; i++) {
        struct table t = map_catalog(c);
        ck_assert_int_eq(mappings_install(&m, &t), 0);
    }
    ck_assert_ptr_nonnull(m.spare);
    ck_assert_ptr_null(m.spare->next);
    mappings_fini(&m);
    catalog_free(c);
}
END_TEST

UNIT_TESTS("mapping", none_yet, replaced_mapping_waits_for_its_readers, structures_are_used_again)
