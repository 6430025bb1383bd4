/* SPDX-License-Identifier: Apache-2.0 */
/* Who has how many. */
#include "daemon/base/shares.h"

#include <errno.h>

#include "tests/support/unit.h"

START_TEST(each_has_its_own)
{
    struct shares s;
    struct share *taken[3];
    struct share_owner a = share_owner_user(1), b = share_owner_user(2);
    shares_init(&s, 4, 2, 1);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(shares_take(&s, &a, false, &taken[i]), 0);
    ck_assert_int_eq(shares_take(&s, &a, false, &taken[2]), -EDQUOT);
    ck_assert_int_eq(shares_take(&s, &b, false, &taken[2]), 0);
    ck_assert_uint_eq(shares_of(&s, &a), 2);
    shares_give(&s, taken[0]);
    ck_assert_uint_eq(shares_of(&s, &a), 1);
    ck_assert_int_eq(shares_take(&s, &a, false, &taken[0]), 0);
    for (int i = 0; i < 3; i++)
        shares_give(&s, taken[i]);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_ptr_null(s.owners);
    shares_fini(&s);
}
END_TEST

START_TEST(a_reserve_for_who_is_trusted)
{
    struct shares s;
    struct share *taken[5];
    struct share_owner root = share_owner_user(0);
    shares_init(&s, 4, 1, 2);
    for (uid_t i = 0; i < 2; i++) {
        struct share_owner other = share_owner_user(10 + i);
        ck_assert_int_eq(shares_take(&s, &other, false, &taken[i]), 0);
    }
    struct share_owner late = share_owner_user(12);
    ck_assert_int_eq(shares_take(&s, &late, false, &taken[4]), -ENOSPC);
    for (int i = 2; i < 4; i++)
        ck_assert_int_eq(shares_take(&s, &root, true, &taken[i]), 0);
    ck_assert_int_eq(shares_take(&s, &root, true, &taken[4]), -ENOSPC);
    shares_give(&s, taken[0]); /* root has more than the reserve: what is free is for all */
    ck_assert_int_eq(shares_take(&s, &late, false, &taken[0]), 0);
    shares_fini(&s);
}
END_TEST

START_TEST(addresses)
{
    struct shares s;
    struct share *share;
    const uint8_t v4[4] = {10, 0, 0, 1}, v4_other[4] = {10, 0, 0, 2};
    const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1}, v6_near[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
    const uint8_t *const all[] = {v4, v4_other, v6, v6_near};
    shares_init(&s, 10, 10, 0);
    for (int i = 0; i < 4; i++) {
        struct share_owner owner = share_owner_address(all[i], i < 2 ? 4 : 16);
        ck_assert_int_eq(shares_take(&s, &owner, false, &share), 0);
        ck_assert_uint_eq(share->n, i < 3 ? 1 : 2); /* of one network */
    }
    shares_fini(&s);
}
END_TEST

UNIT_TESTS("base/shares", each_has_its_own, a_reserve_for_who_is_trusted, addresses)
