/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept for the next life is written, the last word of each name, and keeps nobody waiting. */
#include "daemon/registry/state_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static struct event_base *base;
static struct state_dir *state_dir;
static struct state_writer *writer;
static unsigned reported, failures;

static void written(void *arg, int err)
{
    (void)arg;
    reported++;
    failures += err < 0;
}

static void begin(void)
{
    reported = failures = 0;
    base = loop_new();
    ck_assert_int_eq(state_dir_open(folder_enter(), &state_dir), 0);
    ck_assert_int_eq(state_writer_new(base, state_dir, written, NULL, &writer), 0);
}

static void end(void)
{
    state_writer_free(writer);
    state_dir_close(state_dir);
    loop_free(base);
}

static void put(const char *name, const char *text)
{
    state_writer_put(writer, name, (const uint8_t *)text, strlen(text));
}

static const char *kept(const char *name)
{
    static char text[64];
    FILE *in = fopen(name, "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    text[n] = '\0';
    if (in)
        fclose(in);
    return in ? text : NULL;
}

static void wait_reported(unsigned times)
{
    while (reported < times)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

START_TEST(the_last_word_of_each_name_is_written)
{
    begin();
    for (int i = 0; i < 1000; i++) {
        put("n-a", i % 2 ? "yes" : "no");
        put("n-b", "there");
        put("n-b", ""); /* and gone again */
    }
    put("n-c", "too");
    ck_assert_ptr_null(kept("n-a")); /* nobody has waited for a disk */
    wait_reported(1);
    ck_assert_str_eq(kept("n-a"), "yes");
    ck_assert_ptr_null(kept("n-b"));
    ck_assert_str_eq(kept("n-c"), "too");
    put("n-a", "");
    wait_reported(2);
    ck_assert_ptr_null(kept("n-a"));
    ck_assert_uint_eq(reported, 2);
    end();
    folder_remove();
}
END_TEST

START_TEST(nothing_is_lost_at_the_end)
{
    begin();
    put("n-a", "first");
    put("n-b", "first");
    while (reported == 0) { /* what comes while others are written, and after that */
        put("n-a", "second");
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    }
    put("n-b", "last");
    end();
    ck_assert_str_eq(kept("n-a"), "second");
    ck_assert_str_eq(kept("n-b"), "last");
    ck_assert_uint_eq(failures, 0);
    folder_remove();
}
END_TEST

START_TEST(what_cannot_be_written_is_reported)
{
    begin();
    folder_remove();
    put("n-a", "lost");
    wait_reported(1);
    ck_assert_uint_eq(failures, 1);
    end();
}
END_TEST

/* However many names somebody makes up: what is too much is done at once, and in order. */
START_TEST(there_is_a_limit)
{
    char name[32];
    begin();
    put("n-keep", "kept");
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "n-%x", i);
        put(name, "");
    }
    ck_assert_uint_gt(reported, 3000);
    put("n-keep", "still");
    end();
    ck_assert_str_eq(kept("n-keep"), "still");
    folder_remove();
}
END_TEST

/* However many there are: what follows from each batch keeps the loop for a bounded time. */
START_TEST(many_are_written_in_several_batches)
{
    char name[32];
    begin();
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "n-%x", i);
        put(name, "there");
    }
    wait_reported(4);
    ck_assert_str_eq(kept("n-0"), "there");
    ck_assert_str_eq(kept("n-7cf"), "there");
    ck_assert_uint_eq(failures, 0);
    end();
    folder_remove();
}
END_TEST

UNIT_TESTS("state_writer", many_are_written_in_several_batches, the_last_word_of_each_name_is_written,
           nothing_is_lost_at_the_end, what_cannot_be_written_is_reported, there_is_a_limit)
