/* SPDX-License-Identifier: Apache-2.0 */
/* The SOA serial never goes back: over a crash, with a file that makes no sense, with a folder that cannot be written. */
#include "daemon/registry/soa_serial.h"

#include <event2/event.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

#define WORDS 65536

static const char *dir;
static struct event_base *base;
static struct state_dir *state;
static struct table_writer *table;
static struct soa_serial serial;

static uint32_t present(void)
{
    return table_serial(table_writer_table(table));
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void begin_life(void)
{
    ck_assert_int_eq(state_dir_open(dir, &state), 0);
    ck_assert_int_eq(table_writer_new(WORDS, ignore_moved, NULL, &table), 0);
    base = loop_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(soa_serial_init(&serial, base, state, dir, table), 0);
}

/* Until the disk has it. */
static void second(void)
{
    soa_serial_second(&serial);
    background_finish(&serial.background);
}

static void end_life(void)
{
    soa_serial_fini(&serial);
    loop_free(base);
    table_writer_free(table);
    state_dir_close(state);
}

static void count(uint32_t changes)
{
    for (uint32_t i = 0; i < changes; i++)
        table_writer_bump_serial(table);
}

START_TEST(a_life_begins_behind_all_that_the_last_one_can_have_used)
{
    dir = folder_enter();
    begin_life();
    for (int i = 0; i < 5; i++) {
        count(80000);
        second();
    }
    count(80000); /* since it looked last */
    uint32_t last = present();
    end_life();
    begin_life();
    ck_assert_int_gt((int32_t)(present() - last), 0);
    end_life();
    folder_remove();
}
END_TEST

/* The disk is another thread's: a look is over before that has begun, and the next one waits for none. */
START_TEST(a_look_does_not_wait_for_the_disk)
{
    dir = folder_enter();
    begin_life();
    uint32_t reserved = serial.reserved;
    count(150000);
    soa_serial_second(&serial);
    ck_assert(serial.background.busy);
    ck_assert_uint_eq(serial.reserved, reserved);
    soa_serial_second(&serial);
    background_finish(&serial.background);
    ck_assert_uint_gt(serial.reserved, reserved);
    end_life();
    folder_remove();
}
END_TEST

START_TEST(a_file_that_makes_no_sense_is_passed_over)
{
    dir = folder_enter();
    folder_write("serial", "soon\n");
    begin_life();
    ck_assert_uint_ge(present(), (uint32_t)time(NULL) - 1);
    end_life();
    folder_remove();
}
END_TEST

START_TEST(what_could_not_be_stored_is_tried_again)
{
    dir = folder_enter();
    ck_assert_int_eq(mkdir("serial", 0700), 0); /* in its way */
    begin_life();
    ck_assert(serial.failed);
    ck_assert_int_eq(rmdir("serial"), 0);
    second();
    ck_assert(!serial.failed);
    uint32_t last = present();
    end_life();
    begin_life();
    ck_assert_int_gt((int32_t)(present() - last), 0);
    end_life();
    folder_remove();
}
END_TEST

UNIT_TESTS("soa_serial", a_look_does_not_wait_for_the_disk, a_life_begins_behind_all_that_the_last_one_can_have_used,
           a_file_that_makes_no_sense_is_passed_over, what_could_not_be_stored_is_tried_again)
