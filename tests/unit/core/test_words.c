/* SPDX-License-Identifier: Apache-2.0 */
#include "libdiscover/core/words.h"

#include <errno.h>
#include <syslog.h>

#include "discover/types.h"
#include "libdiscover/core/table_format.h"
#include "tests/support/unit.h"

START_TEST(each_state_protocol_and_level_has_its_word)
{
    uint8_t number;
    for (int state = DISCOVER_PASSING; state <= DISCOVER_DRAINING; state++) {
        ck_assert_int_eq(state_of_word(state_word(state), &number), 0);
        ck_assert_int_eq(number, state);
    }
    for (int protocol = DISCOVER_TCP; protocol <= DISCOVER_UDP; protocol++) {
        ck_assert_int_eq(protocol_of_word(protocol_word(protocol), &number), 0);
        ck_assert_int_eq(number, protocol);
    }
    for (int level = LOG_ERR; level <= LOG_DEBUG; level++) {
        ck_assert_int_eq(level_of_word(level_word(level), &number), 0);
        ck_assert_int_eq(number, level);
    }
    ck_assert_str_eq(level_word(LOG_ERR), "error");
    ck_assert_str_eq(tier_word(DISCOVER_ELSEWHERE), "elsewhere");
    ck_assert_str_eq(sync_word(TABLE_DEGRADED), "degraded");
}
END_TEST

START_TEST(what_means_nothing)
{
    uint8_t number = 7;
    ck_assert_str_eq(state_word(0), "unknown");
    ck_assert_str_eq(state_word(-1), "unknown");
    ck_assert_str_eq(tier_word(4), "unknown");
    ck_assert_str_eq(level_word(LOG_CRIT), "unknown");
    ck_assert_int_eq(level_of_word("critical", &number), -EINVAL);
    ck_assert_int_eq(state_of_word("", &number), -EINVAL);
    ck_assert_int_eq(state_of_word("unknown", &number), -EINVAL);
    ck_assert_int_eq(number, 7);
}
END_TEST

UNIT_TESTS("core/words", each_state_protocol_and_level_has_its_word, what_means_nothing)
