/* SPDX-License-Identifier: Apache-2.0 */
/* The first line that is for a user counts, and no other. */
#include "daemon/api/access_policy.h"

#include <string.h>

#include "daemon/api/access.h"
#include "tests/support/unit.h"

static struct string_list shop, all, nothing;
static struct access_policy *policy;

/* root, daemon and bin are on every Debian, as users and as groups 0, 1 and 2. */
static void setup(void)
{
    ck_assert_int_eq(string_list_add(&shop, "shop/*"), 0);
    ck_assert_int_eq(string_list_add(&shop, "*/web"), 0);
    ck_assert_int_eq(string_list_add(&all, "*"), 0);
    const struct access_policy_source lines[] = {
        {"bin", "", &nothing, false, "c:1"}, {"", "daemon", &shop, true, "c:2"}, {"nobody-here", "", &all, true, "c:3"},
        {"daemon", "", &all, false, "c:4"},  {"bin", "", &all, false, "c:5"},
    };
    ck_assert_int_eq(access_policy_new(lines, 5, &policy), 0);
}

static void end(void)
{
    access_policy_free(policy);
    string_list_fini(&shop);
    string_list_fini(&all);
}

START_TEST(the_first_line_for_him_counts)
{
    const gid_t groups[] = {7, 1};
    ck_assert_str_eq(access_policy_find(policy, 1000, 1, NULL, 0)->text, "group daemon (c:2)");
    ck_assert_str_eq(access_policy_find(policy, 1000, 100, groups, 2)->text, "group daemon (c:2)");
    ck_assert_str_eq(access_policy_find(policy, 1, 100, NULL, 0)->text, "user daemon (c:4)");
    ck_assert_str_eq(access_policy_find(policy, 2, 1, groups, 2)->text, "user bin (c:1)");
    ck_assert_ptr_null(access_policy_find(policy, 1000, 100, NULL, 0));
}
END_TEST

START_TEST(stars_stand_for_anything)
{
    const struct access_line *line = access_policy_find(policy, 1000, 1, NULL, 0);
    ck_assert(access_line_has(line, "shop/payment"));
    ck_assert(access_line_has(line, "inventory/web"));
    ck_assert(!access_line_has(line, "inventory/web-2"));
    ck_assert(!access_line_has(line, "shopping/payment"));
    ck_assert(!access_line_has(line, "")); /* the host is everybody's */
    ck_assert(access_line_has(access_policy_find(policy, 1, 100, NULL, 0), ""));
    ck_assert(!access_line_has(access_policy_find(policy, 2, 2, NULL, 0), "shop/payment"));
}
END_TEST

static void see(void *arg, const char *text)
{
    strcat(arg, text);
}

START_TEST(a_name_of_nobody_is_reported_and_is_for_nobody)
{
    char reported[256] = "";
    access_policy_each_unknown(policy, see, reported);
    ck_assert_str_eq(reported, "user nobody-here (c:3)");
}
END_TEST

START_TEST(instead_of_the_group)
{
    const struct access_rule rule = {.own_uid = 990, .group = 100, .has_group = true, .policy = policy};
    ck_assert(access_allows(&rule, 0, 0, NULL, 0));
    ck_assert(access_allows(&rule, 990, 990, NULL, 0));
    ck_assert(access_allows(&rule, 1000, 1, NULL, 0));
    ck_assert(!access_allows(&rule, 1000, 100, NULL, 0));
}
END_TEST

UNIT_TESTS_IN(setup, end, "api/access-policy", the_first_line_for_him_counts, stars_stand_for_anything,
              a_name_of_nobody_is_reported_and_is_for_nobody, instead_of_the_group)
