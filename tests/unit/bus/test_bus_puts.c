/* SPDX-License-Identifier: Apache-2.0 */
/* Every put comes back exactly once. */
#include "daemon/bus/bus_puts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_shared.h"
#include "tests/support/unit.h"

#define LIMIT 16

static struct mailbox *box;
static struct bus_counters counters;
static struct bus_puts *out;
static unsigned came[1000];
static int err_of[1000];

static void setup(void)
{
    memset(came, 0, sizeof came);
    ck_assert_int_eq(mailbox_new(1, &box), 0); /* results come whatever its limit */
    ck_assert_int_eq(bus_puts_new(LIMIT, box, &counters, &out), 0);
}

static void done(void)
{
    bus_puts_free(out);
    mailbox_free(box);
}

static struct bus_put *make(uint64_t token, int64_t deadline_ns)
{
    struct bus_put *put = calloc(1, sizeof *put + 32);
    ck_assert_ptr_nonnull(put);
    put->result.token = token;
    put->deadline_ns = deadline_ns;
    snprintf(put->subject, 32, "$KV.HOSTS.k%llu", (unsigned long long)(token % 4));
    return put;
}

static unsigned collect(void)
{
    unsigned n = 0;
    for (struct mail *next, *mail = mailbox_take(box); mail; mail = next, n++) {
        next = mail->next;
        struct bus_put *put = (struct bus_put *)mail;
        came[put->result.token]++;
        err_of[put->result.token] = put->result.err;
        free(put);
    }
    return n;
}

START_TEST(answers_once)
{
    uint64_t id = bus_puts_add(out, make(1, 100));
    bus_puts_done(out, id, 0, "", 5);
    bus_puts_done(out, id, 0, "", 5);
    bus_puts_done(out, id + 1, 0, "", 5);
    bus_puts_done(out, UINT64_MAX, 0, "", 5);
    ck_assert_uint_eq(collect(), 1);
    ck_assert_int_eq(err_of[1], 0);
    ck_assert_int_eq(bus_puts_expire(out, 1000), INT64_MAX);
}
END_TEST

START_TEST(late_answer_does_not_meet_the_next_put)
{
    uint64_t first = bus_puts_add(out, make(1, 100));
    ck_assert_int_eq(bus_puts_expire(out, 100), INT64_MAX);
    uint64_t second = bus_puts_add(out, make(2, 300));
    ck_assert_uint_eq((uint32_t)first, (uint32_t)second); /* the same slot */
    bus_puts_done(out, first, 0, "", 5);
    ck_assert_uint_eq(collect(), 1);
    ck_assert_int_eq(err_of[1], -ETIMEDOUT);
    bus_puts_done(out, second, 0, "", 6);
    ck_assert_uint_eq(collect(), 1);
    ck_assert_int_eq(err_of[2], 0);
}
END_TEST

START_TEST(expires_in_order)
{
    for (uint64_t i = 0; i < LIMIT; i++)
        bus_puts_add(out, make(i, 100 + (int64_t)i));
    ck_assert_int_eq(bus_puts_expire(out, 99), 100);
    ck_assert_int_eq(bus_puts_expire(out, 104), 105);
    ck_assert_uint_eq(collect(), 5);
    bus_puts_fail(out, "$KV.HOSTS.k1", false, -EACCES, "denied");
    ck_assert_uint_eq(collect(), 3); /* 5, 9, 13 */
    ck_assert_int_eq(err_of[9], -EACCES);
    bus_puts_fail(out, NULL, false, -ENOTCONN, "lost");
    ck_assert_uint_eq(collect(), LIMIT - 8);
    for (uint64_t i = 0; i < LIMIT; i++)
        ck_assert_uint_eq(came[i], 1);
    bus_puts_post(out, make(99, 0), -ENOTCONN, "not connected", 0);
    ck_assert_uint_eq(collect(), 1);
}
END_TEST

static struct bus_put *make_large(uint64_t token, size_t n)
{
    struct bus_put *put = make(token, 100);
    put->n = n;
    return put;
}

START_TEST(quiet_while_few_and_small_ones_wait)
{
    ck_assert(bus_puts_quiet(out));
    uint64_t large = bus_puts_add(out, make_large(1, 8192));
    ck_assert(!bus_puts_quiet(out));
    bus_puts_done(out, large, 0, "", 5);
    ck_assert(bus_puts_quiet(out));
    for (uint64_t i = 2; i < 10; i++)
        bus_puts_add(out, make(i, 1000));
    ck_assert(!bus_puts_quiet(out));
    bus_puts_fail(out, NULL, false, -ENOTCONN, "lost");
    ck_assert(bus_puts_quiet(out));
    collect();
}
END_TEST

/* What is overdue may still be in the socket, although nobody waits for it any more. */
START_TEST(not_quiet_once_one_was_overdue)
{
    bus_puts_add(out, make(1, 100));
    ck_assert_int_eq(bus_puts_expire(out, 100), INT64_MAX);
    ck_assert(!bus_puts_quiet(out));
    bus_puts_fail(out, "$KV.HOSTS.k2", false, -EACCES, "denied");
    ck_assert(!bus_puts_quiet(out));
    bus_puts_fail(out, NULL, false, -ENOTCONN, "the connection was lost");
    ck_assert(bus_puts_quiet(out));
    collect();
}
END_TEST

UNIT_TESTS_IN(setup, done, "bus_puts", answers_once, late_answer_does_not_meet_the_next_put, expires_in_order,
              quiet_while_few_and_small_ones_wait, not_quiet_once_one_was_overdue)
