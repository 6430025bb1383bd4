/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of registrations: which of them stay when one is confirmed, changed or refused. */
#include "libdiscover/session/held.h"

#include <errno.h>

#include "tests/support/unit.h"

static struct held *list;

static struct discover_registration *make(const char *instance)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    if (*instance)
        ck_assert_int_eq(discover_registration_set_instance(r, instance), 0);
    return r;
}

static struct held *add(const struct discover_registration *r)
{
    struct held *held;
    ck_assert_int_eq(held_add(&list, r, NULL, &held), 0);
    return held;
}

START_TEST(found_by_what_is_known_of_it)
{
    struct discover_registration *a = make("a"), *b = make("b");
    struct held *first = add(a), *second = add(b);
    first->request = 7;
    second->request = 8;
    ck_assert_ptr_eq(held_by_request(list, 8), second);
    ck_assert_ptr_null(held_by_request(list, 9));
    ck_assert_ptr_eq(held_by_serial(list, a->serial), first);
    ck_assert_ptr_eq(held_by_name(list, "shop/payment", "b"), second);
    ck_assert_ptr_null(held_by_name(list, "shop/cart", "b"));
    held_unanswered(list);
    ck_assert_ptr_null(held_by_request(list, 8));
    held_drop_all(&list);
    ck_assert_ptr_null(list);
    discover_registration_free(a);
    discover_registration_free(b);
}
END_TEST

START_TEST(unconfirmed_copies_do_not_pile_up)
{
    struct discover_registration *r = make("a");
    for (int i = 0; i < 10; i++)
        (void)add(r);
    ck_assert_ptr_null(list->next);
    held_drop_all(&list);
    discover_registration_free(r);
}
END_TEST

START_TEST(change_stands_beside_until_confirmed)
{
    struct discover_registration *r = make("");
    struct held *old = add(r);
    ck_assert_int_eq(held_confirm(&list, old, "NOT A NAME"), -EINVAL);
    ck_assert_int_eq(held_confirm(&list, old, "a"), 0);
    struct held *change = add(r);
    ck_assert_ptr_eq(list, old);
    ck_assert_ptr_eq(old->next, change);
    ck_assert_int_eq(held_confirm(&list, old, "a"), 0); /* renewed: the change is still waited for */
    ck_assert_ptr_eq(old->next, change);
    ck_assert_int_eq(held_confirm(&list, change, "a"), 0);
    ck_assert_ptr_eq(list, change);
    ck_assert_ptr_null(change->next);
    held_drop_all(&list);
    discover_registration_free(r);
}
END_TEST

UNIT_TESTS("held", found_by_what_is_known_of_it, unconfirmed_copies_do_not_pile_up,
           change_stands_beside_until_confirmed)
