/* SPDX-License-Identifier: Apache-2.0 */
/* Names and the zones they are in. */
#include "daemon/base/zones.h"

#include "tests/support/unit.h"

static struct string_list zones = {(char *[]){(char *)"discover.internal", (char *)"svc.example.com."}, 2};

START_TEST(test_a_zone_holds_itself_and_all_below)
{
    ck_assert_str_eq(zones_find(&zones, "discover.internal"), "discover.internal");
    ck_assert_str_eq(zones_find(&zones, "web-1.host.discover.internal"), "discover.internal");
    ck_assert_str_eq(zones_find(&zones, "WEB-1.Discover.INTERNAL."), "discover.internal");
    ck_assert_str_eq(zones_find(&zones, "db.svc.example.com"), "svc.example.com.");
}
END_TEST

START_TEST(test_labels_are_whole)
{
    ck_assert_ptr_null(zones_find(&zones, "rediscover.internal"));
    ck_assert_ptr_null(zones_find(&zones, "internal"));
    ck_assert_ptr_null(zones_find(&zones, "example.com"));
    ck_assert_ptr_null(zones_find(&zones, ""));
}
END_TEST

UNIT_TESTS("zones", test_a_zone_holds_itself_and_all_below, test_labels_are_whole)
