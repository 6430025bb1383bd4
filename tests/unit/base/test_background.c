/* SPDX-License-Identifier: Apache-2.0 */
/* Work on a thread, and what follows on the loop's. */
#include "daemon/base/background.h"

#include <event2/event.h>

#include "daemon/base/loop.h"
#include "tests/support/unit.h"

struct fixture {
    struct event_base *base;
    struct background background;
    pthread_t worked_on, done_on;
    unsigned worked, done;
};

static void work(void *arg)
{
    struct fixture *f = arg;
    f->worked_on = pthread_self();
    f->worked++;
}

static void done(void *arg)
{
    struct fixture *f = arg;
    f->done_on = pthread_self();
    f->done++;
}

static void begin(struct fixture *f)
{
    *f = (struct fixture){.base = loop_new()};
    ck_assert_ptr_nonnull(f->base);
    ck_assert_int_eq(background_init(&f->background, f->base), 0);
}

static void end(struct fixture *f)
{
    background_fini(&f->background);
    background_fini(&f->background);
    loop_free(f->base);
}

START_TEST(works_on_a_thread_and_is_reported_on_the_loop)
{
    struct fixture f;
    begin(&f);
    for (unsigned round = 1; round <= 3; round++) {
        background_run(&f.background, work, done, &f);
        ck_assert_uint_eq(f.done, round - 1); /* not before the loop has its turn */
        event_base_loop(f.base, EVLOOP_ONCE);
        ck_assert_uint_eq(f.worked, round);
        ck_assert_uint_eq(f.done, round);
        ck_assert(!pthread_equal(f.worked_on, pthread_self()));
        ck_assert(pthread_equal(f.done_on, pthread_self()));
    }
    end(&f);
}
END_TEST

START_TEST(the_end_waits_for_work_and_tells_nobody)
{
    struct fixture f;
    begin(&f);
    background_run(&f.background, work, done, &f);
    end(&f);
    ck_assert_uint_eq(f.worked, 1);
    ck_assert_uint_eq(f.done, 0);
}
END_TEST

START_TEST(ends_without_having_begun)
{
    struct background b = {0};
    background_fini(&b);
}
END_TEST

START_TEST(can_be_waited_for)
{
    struct fixture f;
    begin(&f);
    background_finish(&f.background);
    ck_assert_uint_eq(f.done, 0);
    background_run(&f.background, work, done, &f);
    background_finish(&f.background);
    ck_assert_uint_eq(f.worked, 1);
    ck_assert_uint_eq(f.done, 1);
    event_base_loop(f.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(f.done, 1); /* and not again */
    end(&f);
}
END_TEST

UNIT_TESTS("background", works_on_a_thread_and_is_reported_on_the_loop, the_end_waits_for_work_and_tells_nobody,
           ends_without_having_begun, can_be_waited_for)
