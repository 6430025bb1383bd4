/* SPDX-License-Identifier: Apache-2.0 */
/* The epoch only grows, whatever happens to the clock and to the state directory. */
#include "daemon/agent/epoch.h"

#include <errno.h>

#include "daemon/agent/stored.h"
#include "tests/support/unit.h"

START_TEST(first_life_takes_the_clock_and_a_node)
{
    struct agent_identity id = {0};
    epoch_begin(&id, 1700000000000, 42);
    ck_assert_uint_eq(id.epoch, 1700000000000);
    ck_assert_uint_eq(id.node, 42);
    ck_assert_uint_eq(id.min_epoch, 0);
}
END_TEST

START_TEST(clock_set_back_does_not_matter)
{
    struct agent_identity id = {.node = 7, .epoch = 2000, .min_epoch = 1500};
    epoch_begin(&id, 1000, 42);
    ck_assert_uint_eq(id.epoch, 2001);
    ck_assert_uint_eq(id.node, 7);
    ck_assert_uint_eq(id.min_epoch, 1500);
}
END_TEST

/* By a clock that was days ahead and is right again, or by a damaged file: nobody would believe what is above it. */
START_TEST(one_that_nobody_believes_is_forgotten)
{
    const int64_t day_ms = 24 * 3600 * 1000, now_ms = 1700000000000;
    struct agent_identity near = {.node = 7, .epoch = (uint64_t)(now_ms + day_ms / 2), .min_epoch = 1500};
    struct agent_identity far = {
        .node = 7, .epoch = (uint64_t)(now_ms + 2 * day_ms), .min_epoch = (uint64_t)(now_ms + day_ms), .life = 9};
    epoch_begin(&near, now_ms, 42);
    ck_assert_uint_eq(near.epoch, (uint64_t)(now_ms + day_ms / 2) + 1);
    ck_assert_uint_eq(near.min_epoch, 1500);
    epoch_begin(&far, now_ms, 42);
    ck_assert_uint_eq(far.epoch, (uint64_t)now_ms);
    ck_assert_uint_eq(far.min_epoch, 0);
    ck_assert_uint_eq(far.node, 7);
    ck_assert_uint_eq(far.life, 9);
}
END_TEST

START_TEST(jumps_above_what_was_seen)
{
    struct agent_identity id = {.node = 7, .epoch = 2000};
    ck_assert(!epoch_jump(&id, 1999));
    ck_assert_uint_eq(id.epoch, 2000);
    ck_assert(epoch_jump(&id, 2000));
    ck_assert_uint_eq(id.epoch, 2001);
    ck_assert(epoch_jump(&id, 5000));
    ck_assert_uint_eq(id.epoch, 5001);
}
END_TEST

START_TEST(an_absurd_epoch_does_not_use_up_the_range)
{
    struct agent_identity id = {.node = 7, .epoch = 2000};
    ck_assert(!epoch_jump(&id, UINT64_MAX));
    ck_assert_uint_eq(id.epoch, 2000);
}
END_TEST

START_TEST(identity_comes_back_from_its_bytes)
{
    struct agent_identity id = {.node = 7, .epoch = 2000, .min_epoch = 1999, .boot = 3, .life = 4, .asker = 6}, back;
    uint8_t bytes[STORED_MAX];
    size_t n = stored_identity_encode(&id, bytes);
    ck_assert_int_eq(stored_identity_decode(bytes, n, &back), 0);
    ck_assert_mem_eq(&id, &back, sizeof id);
    ck_assert_int_eq(stored_identity_decode(bytes, n - 1, &back), -EBADMSG);
    ck_assert_int_eq(stored_identity_decode((const uint8_t *)"garbage", 7, &back), -EBADMSG);
    ck_assert_int_eq(stored_identity_decode(bytes, 0, &back), -EBADMSG);
}
END_TEST

UNIT_TESTS("agent/epoch", first_life_takes_the_clock_and_a_node, clock_set_back_does_not_matter,
           one_that_nobody_believes_is_forgotten, jumps_above_what_was_seen, an_absurd_epoch_does_not_use_up_the_range,
           identity_comes_back_from_its_bytes)
