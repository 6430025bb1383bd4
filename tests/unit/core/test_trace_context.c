/* SPDX-License-Identifier: Apache-2.0 */
/* Examples of the W3C's recommendation, what it forbids, and what it leaves to a reader. */
#include "libdiscover/core/trace_context.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define FINE   "00-" TRACE "-" PARENT "-01"

static struct trace_context c;
static const char *why;

static int parse(const char *parent, const char *state)
{
    c = (struct trace_context){.flags = 0x55};
    why = "";
    return trace_context_parse(parent, state, &c, &why);
}

START_TEST(comes_out_as_it_went_in)
{
    static const uint8_t span[] = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
    char text[TRACE_PARENT_CAP];
    ck_assert_int_eq(parse(FINE, NULL), 0);
    ck_assert_mem_eq(c.span_id, span, sizeof span);
    ck_assert(trace_context_sampled(&c) && c.trace_id[0] == 0x4b && c.trace_id[15] == 0x36 && !*c.state);
    trace_context_format(&c, text);
    ck_assert_str_eq(text, FINE);
    ck_assert_int_eq(parse("00-" TRACE "-" PARENT "-00", ""), 0);
    ck_assert(!trace_context_sampled(&c));
}
END_TEST

/* What is known of a later version is read; flags that mean nothing yet are not handed on. */
START_TEST(later_versions)
{
    static const char *const later[] = {"cc-" TRACE "-" PARENT "-01",
                                        "cc-" TRACE "-" PARENT "-01-what-the-future-brings",
                                        "01-" TRACE "-" PARENT "-fd-"};
    char text[TRACE_PARENT_CAP];
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        ck_assert_msg(parse(later[i], NULL) == 0, "%s: %s", later[i], why);
        trace_context_format(&c, text);
        ck_assert_str_eq(text, FINE);
    }
}
END_TEST

START_TEST(no_contexts)
{
    static const char *const none[] = {
        "",
        "00",
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-",
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-011",
        "ff-" TRACE "-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01",
        "01-" TRACE "-" PARENT "-01.more",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-" PARENT "-0A",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        " 00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-01 ",
        "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "0-01",
        "\xff\xff-" TRACE "-" PARENT "-01",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert_msg(parse(none[i], "a=b") == -EINVAL, "\"%s\"", none[i]);
        ck_assert(*why && c.flags == 0x55);
    }
}
END_TEST

START_TEST(states)
{
    static const char *const fine[] = {
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "a=1",
        " a=1 , b=2\t,",
        ",,a=1,",
        "fw529a3039@dt=FfFfFfFf",
        "0a/b*c-d_e=x y",
        "a= x",
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        ck_assert_msg(parse(FINE, fine[i]) == 0, "\"%s\": %s", fine[i], why);
        ck_assert_str_eq(c.state, fine[i]);
    }
}
END_TEST

/* The parent is worth something without it (section 4.3). */
START_TEST(bad_states_are_left_out)
{
    static const char *const bad[] = {
        "a",    "=1",      "a=",    "A=1",  "a=1=2",   "a=\xc3\xa4",    "a=1\n", "@a=1",
        "a@=1", "a@b@c=1", "a@1=1", "-a=1", "a=1,a=2", "a=1, b=2, a=3", "a b=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(parse(FINE, bad[i]) == 1, "\"%s\"", bad[i]);
        ck_assert(*why && !*c.state && trace_context_sampled(&c));
    }
}
END_TEST

/* Keys that begin alike are two. */
START_TEST(keys_that_begin_alike)
{
    ck_assert_int_eq(parse(FINE, "ab=1,a=2"), 0);
    ck_assert_int_eq(parse(FINE, "a=2,ab=1,abc=a=2"), 1);
}
END_TEST

START_TEST(as_long_as_they_may_be)
{
    char state[1024] = "", key[300], value[300];
    for (int i = 0; i < 32; i++)
        (void)!snprintf(state + strlen(state), sizeof state - strlen(state), "%sk%d=v", i ? "," : "", i);
    ck_assert_int_eq(parse(FINE, state), 0);
    strcat(state, ",k32=v");
    ck_assert_int_eq(parse(FINE, state), 1);
    memset(key, 'k', sizeof key);
    memset(value, 'v', sizeof value);
    (void)!snprintf(state, sizeof state, "%.255s=%.256s", key, value);
    ck_assert_int_eq(parse(FINE, state), 0);
    (void)!snprintf(state, sizeof state, "%.256s=%.256s", key, value);
    ck_assert_int_eq(parse(FINE, state), 1); /* 513 characters */
    (void)!snprintf(state, sizeof state, "%.257s=v", key);
    ck_assert_int_eq(parse(FINE, state), 1);
    (void)!snprintf(state, sizeof state, "k=%.257s", value);
    ck_assert_int_eq(parse(FINE, state), 1);
}
END_TEST

UNIT_TESTS("core/trace_context", comes_out_as_it_went_in, later_versions, no_contexts, states, bad_states_are_left_out,
           keys_that_begin_alike, as_long_as_they_may_be)
