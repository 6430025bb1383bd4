/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of a registration: limits, and what a refused value leaves behind. */
#include "libdiscover/session/registration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static struct discover_registration *make(void)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    return r;
}

START_TEST(service_and_port_are_checked)
{
    struct discover_registration *r = NULL;
    ck_assert_int_eq(discover_registration_new("shop", 80, &r), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_registration_new("host/web-1", 80, &r), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_registration_new("shop/payment", 0, &r), -EINVAL);
    ck_assert_ptr_null(r);
    discover_registration_free(NULL);
}
END_TEST

START_TEST(instance_is_a_label)
{
    struct discover_registration *r = make();
    ck_assert_str_eq(discover_registration_instance(r), "");
    ck_assert_int_eq(discover_registration_set_instance(r, "p1"), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "p.1"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_registration_set_instance(r, ""), DISCOVER_E_NAME);
    ck_assert_str_eq(discover_registration_instance(r), "p1");
    discover_registration_free(r);
}
END_TEST

START_TEST(one_address_of_each_family)
{
    struct discover_registration *r = make();
    ck_assert_int_eq(discover_registration_add_address(r, "10.0.0.1"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.0.0.2"), -EEXIST);
    ck_assert_int_eq(discover_registration_add_address(r, "::1"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "web-1.example"), -EINVAL);
    discover_registration_free(r);
}
END_TEST

START_TEST(numbers_have_limits)
{
    struct discover_registration *r = make();
    ck_assert_int_eq(discover_registration_set_weight(r, 0), -EINVAL);
    ck_assert_int_eq(discover_registration_set_weight(r, 65536), -EINVAL);
    ck_assert_int_eq(discover_registration_set_weight(r, 65535), 0);
    ck_assert_int_eq(discover_registration_set_priority(r, 65535), 0);
    ck_assert_int_eq(discover_registration_set_protocol(r, (enum discover_protocol)2), -EINVAL);
    ck_assert_int_eq(discover_registration_set_state(r, (enum discover_state)0), -EINVAL);
    ck_assert_int_eq(discover_registration_set_state(r, (enum discover_state)6), -EINVAL);
    ck_assert_int_eq(discover_registration_set_ttl(r, 0), -EINVAL);
    ck_assert_int_eq(discover_registration_set_pid(r, 0), -EINVAL);
    ck_assert_int_eq(discover_registration_set_pid(r, -1), -EINVAL);
    ck_assert_int_eq(discover_registration_set_pid(r, 1), 0);
    discover_registration_free(r);
}
END_TEST

START_TEST(lists_have_limits)
{
    struct discover_registration *r = make();
    char text[300];
    for (int i = 0; i < RECORD_TAGS_MAX; i++) {
        snprintf(text, sizeof text, "t%d", i);
        ck_assert_int_eq(discover_registration_add_tag(r, text), 0);
        ck_assert_int_eq(discover_registration_set_meta(r, text, "x"), 0);
    }
    ck_assert_int_eq(discover_registration_add_tag(r, "t0"), -EEXIST);
    ck_assert_int_eq(discover_registration_add_tag(r, "more"), -E2BIG);
    ck_assert_int_eq(discover_registration_add_tag(r, "not\na tag"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_registration_set_meta(r, "t0", "changed"), 0);
    ck_assert_int_eq(discover_registration_set_meta(r, "more", "x"), -E2BIG);
    ck_assert_int_eq(discover_registration_set_meta(r, "a=b", "x"), -EINVAL);
    memset(text, 'x', 256);
    text[256] = '\0';
    ck_assert_int_eq(discover_registration_set_meta(r, "t0", text), -EINVAL);
    discover_registration_free(r);
}
END_TEST

/* At every limit at once it must still go into one message. */
START_TEST(largest_registration_fits)
{
    struct discover_registration *r = make();
    char key[64], value[256];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < RECORD_META_MAX; i++) {
        memset(key, 'a' + i, sizeof key - 1);
        key[sizeof key - 1] = '\0';
        ck_assert_int_eq(discover_registration_add_tag(r, key), 0);
        ck_assert_int_eq(discover_registration_set_meta(r, key, value), 0);
    }
    Discover__V1__Register msg;
    ck_assert_int_eq(registration_message(r, &msg), 0);
    ck_assert_uint_eq(msg.record->n_meta, RECORD_META_MAX);
    registration_message_fini(&msg);
    discover_registration_free(r);
}
END_TEST

START_TEST(every_registration_is_another)
{
    struct discover_registration *a = make(), *b = make();
    ck_assert_uint_ne(a->serial, b->serial);
    discover_registration_free(a);
    discover_registration_free(b);
}
END_TEST

UNIT_TESTS("registration", service_and_port_are_checked, instance_is_a_label, one_address_of_each_family,
           numbers_have_limits, lists_have_limits, largest_registration_fits, every_registration_is_another)
