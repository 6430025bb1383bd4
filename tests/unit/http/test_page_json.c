/* SPDX-License-Identifier: Apache-2.0 */
/* What targets look like to Prometheus. */
#include "daemon/http/page_json.h"

#include "tests/support/unit.h"

#define META "__meta_discoverd_meta_"

static const char *const keys[] = {"a-b", "a_b", "c.d", "c-d", "U__e_2d_f", "e-f", "1st/x"};

static json_t *target_with_keys(void)
{
    struct catalog_instance i = {
        .endpoint = {.port = 80, .families = DISCOVER_HAS_IPV4, .state = DISCOVER_PASSING},
        .entry = {.host = "h", .instance = "i", .zone = "", .region = "", .hostname = ""},
    };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        i.entry.meta[i.entry.n_meta++] = (struct discover_pair){.key = keys[k], .value = keys[k]};
    return page_target_json("shop/payment", &i);
}

static const char *label(const json_t *target, const char *name)
{
    const char *value = json_string_value(json_object_get(json_object_get(target, "labels"), name));
    return value ? value : "(none)";
}

/* Keys that look the same in the alphabet of labels are kept apart. */
START_TEST(labels_of_metadata)
{
    json_t *target = target_with_keys();
    ck_assert_str_eq(label(target, META "a_b"), "a_b");
    ck_assert_str_eq(label(target, META "U__a_2d_b"), "a-b");
    ck_assert_str_eq(label(target, META "c_d"), "(none)");
    ck_assert_str_eq(label(target, META "U__c_2e_d"), "c.d");
    ck_assert_str_eq(label(target, META "U__c_2d_d"), "c-d");
    ck_assert_str_eq(label(target, META "U__e_2d_f"), "e-f");
    ck_assert_str_eq(label(target, META "U__U____e__2d__f"), "U__e_2d_f");
    ck_assert_str_eq(label(target, META "1st_x"), "1st/x");
    json_decref(target);
}
END_TEST

UNIT_TESTS("http/page json", labels_of_metadata)
