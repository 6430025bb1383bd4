/* SPDX-License-Identifier: Apache-2.0 */
/* Where an instance may be: one rule, in the same words at every door. */
#include "libdiscover/core/address.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/record.h"
#include "tests/support/unit.h"

START_TEST(what_nobody_can_reach_is_refused)
{
    static const char *const rows[][2] = {
        {"0.0.0.0", "unspecified"},
        {"0.1.2.3", "unspecified"},
        {"255.255.255.255", "broadcast"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.1", "reserved"},
        {"169.254.1.1", "link-local"},
        {"192.0.0.8", "dummy"},
        {"::", "unspecified"},
        {"ff02::1", "multicast"},
        {"fe80::1", "link-local"},
        {"::ffff:10.1.2.3", "IPv4-mapped"},
        {"::10.1.2.3", "IPv4-compatible"},
        {"0x7f000001", "neither an add"},
        {"127.0x1", "neither an add"},
        {"10.0.0.256", "neither an add"},
        {"1.2.3", "neither an add"},
        {"12345", "neither an add"},
        {"", "neither an add"},
        {"a_b", "neither an add"},
        {"A.example", "must be in lower case"},
        {"a.", "without a dot at the end"},
        {"fe80::1%eth0", "neither an add"},
        {"[::1]", "neither an add"},
        {" 10.0.0.1", "neither an add"},
        {"10.0.0.1:80", "neither an add"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record r;
        const char *why = "";
        record_init(&r);
        ck_assert_msg(record_add_endpoint(&r, rows[i][0], &why) == -EINVAL, "%s", rows[i][0]);
        ck_assert_msg(strstr(why, rows[i][1]), "%s: %s", rows[i][0], why);
        ck_assert(!r.addresses.families && !r.hostname[0]);
    }
}
END_TEST

START_TEST(what_somebody_may_reach_is_taken)
{
    static const char *const good[] = {"10.0.0.1",      "127.0.0.1",   "198.18.0.1", "100.64.0.1",       "::1",
                                       "fd00::1",       "2001:db8::1", "db",         "db-1.example.com", "3com.example",
                                       "0xcafe.example"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct record r;
        const char *why = "";
        record_init(&r);
        ck_assert_msg(record_add_endpoint(&r, good[i], &why) == 0, "%s: %s", good[i], why);
    }
}
END_TEST

START_TEST(one_of_each_family_or_a_name)
{
    struct record r;
    const char *why = "";
    record_init(&r);
    ck_assert_int_eq(record_add_endpoint(&r, "10.0.0.1", &why), 0);
    ck_assert_int_eq(record_add_endpoint(&r, "10.0.0.2", &why), -EEXIST);
    ck_assert_int_eq(record_add_endpoint(&r, "db", &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "alone"));
    ck_assert_int_eq(record_add_endpoint(&r, "2001:db8::1", &why), 0);
    record_init(&r);
    ck_assert_int_eq(record_add_endpoint(&r, "db", &why), 0);
    ck_assert_int_eq(record_add_endpoint(&r, "10.0.0.2", &why), -EINVAL);
}
END_TEST

START_TEST(loopback_is_refused_where_hosts_are_apart)
{
    static const char *const loopback[] = {"127.0.0.1", "127.9.9.9", "::1"};
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        struct record r;
        record_init(&r);
        ck_assert_int_eq(record_add_address(&r, loopback[i]), 0);
        ck_assert_ptr_null(record_unreachable(&r, true));
        ck_assert_ptr_nonnull(strstr(record_unreachable(&r, false), "allow_loopback"));
    }
}
END_TEST

UNIT_TESTS("address", what_nobody_can_reach_is_refused, what_somebody_may_reach_is_taken, one_of_each_family_or_a_name,
           loopback_is_refused_where_hosts_are_apart)
