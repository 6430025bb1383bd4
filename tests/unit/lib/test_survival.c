/* SPDX-License-Identifier: Apache-2.0 */
/* What a program with pickers and watches survives: a table outgrown, one of a newer layout, no descriptors
 * left. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static struct discover_picker *p;
static struct discover_watch *w;
static struct {
    int calls;
    size_t n, differences;
} reported;

static void on_change(void *arg, const struct discover_change *change)
{
    (void)arg;
    reported.calls++;
    reported.n = change->n;
    reported.differences = change->n_differences;
}

static void begin(struct catalog *c)
{
    memset(&reported, 0, sizeof reported);
    stage_open(&stage);
    catalog = c;
    d = stage_client(&stage, stage_table_fd(c));
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
    ck_assert_int_eq(discover_watch(d, "shop/payment", on_change, NULL, &w), 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 1);
}

static void end(void)
{
    discover_unwatch(w);
    discover_picker_free(p);
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static uint64_t pick(int want_result)
{
    struct discover_endpoint e;
    ck_assert_int_eq(discover_pick(p, &e), want_result < 0 ? want_result : 0);
    return e.id;
}

static void let_fail(uint64_t id)
{
    for (int i = 0; i < 3; i++)
        discover_report(p, id, 10, DISCOVER_UNREACHABLE);
}

/* Dispatches as the caller's loop would, until the client has connected again; what is told in between. */
static int reconnect(void)
{
    int fault = 0;
    do {
        struct pollfd work = {.fd = discover_fd(d), .events = POLLIN};
        ck_assert_int_eq(poll(&work, 1, 5000), 1);
        int err = discover_dispatch(d);
        fault = fault ? fault : err;
    } while (d->link == LINK_DOWN);
    stage_accept(&stage);
    (void)stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO);
    return fault;
}

static void welcome(int fd)
{
    stage_welcome(&stage, d->last_id, API_VERSION, fd);
}

/* --- a table outgrown --- */

static int moves;

/* As the daemon does: it sends the new segment, and readers come when they get to it. */
static void on_moved(void *arg, int fd)
{
    (void)arg;
    moves++;
    stage_table_moved(&stage, fd);
}

static void outgrow(void)
{
    static unsigned i;
    moves = 0;
    for (; moves == 0; i++) {
        char key[KEY_CAP];
        snprintf(key, sizeof key, "other.s%u.web-1.x", i);
        stage_put(catalog, key, DISCOVER_PASSING, 9000);
    }
}

START_TEST(an_outgrown_table_is_left_with_all_that_was_learnt)
{
    begin(stage_catalog_small(3, 8000, on_moved));
    uint64_t bad = pick(DISCOVER_FRESH);
    let_fail(bad);
    ck_assert_uint_ne(pick(DISCOVER_FRESH), bad);
    for (int round = 0; round < 3; round++) {
        outgrow();
        (void)pick(DISCOVER_STALE); /* from the segment that was left, and it says so */
        ck_assert_int_eq(discover_dispatch(d), 0);
        for (int i = 0; i < 50; i++)
            ck_assert_uint_ne(pick(DISCOVER_FRESH), bad);
        ck_assert_ptr_null(d->mappings.retired);
        ck_assert_int_eq(reported.calls, 1); /* the set of this service is the same */
    }
    stage_put(catalog, "shop.payment.web-1.p9", DISCOVER_PASSING, 8009);
    outgrow();
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_uint_eq(reported.n, 4);
    ck_assert_uint_eq(reported.differences, 1);
    end();
}
END_TEST

/* --- a newer daemon --- */

/* A table as a newer daemon would lay it out: all that a reader of this version can see is that it cannot
 * read it. */
static int newer_table(void)
{
    const uint64_t header[] = {TABLE_MAGIC, TABLE_VERSION_SEEDED + 1};
    int fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_eq(ftruncate(fd, 1 << 16), 0);
    ck_assert_int_eq(pwrite(fd, header, sizeof header, 0), sizeof header);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    return fd;
}

START_TEST(a_newer_layout_is_reported_once_and_the_old_table_answers)
{
    begin(stage_catalog(2, 8000));
    int newer = newer_table(), n_reported = 0;
    stage_hang_up(&stage); /* the old daemon goes, its successor comes */
    ck_assert_int_eq(discover_dispatch(d), 0);
    catalog_free(catalog);
    catalog = NULL;
    for (int i = 0; i < 2; i++) {
        n_reported += reconnect() != 0;
        welcome(newer);
        int err = discover_dispatch(d);
        ck_assert(err == 0 || err == DISCOVER_E_VERSION);
        n_reported += err != 0;
        (void)pick(DISCOVER_STALE);
    }
    ck_assert_int_eq(n_reported, 1);
    ck_assert_str_eq(discover_last_error(d), "the table is of another version");
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT); /* it is greeting again */
    stage_accept(&stage);
    welcome(newer);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"),
                     DISCOVER_E_UNSYNCED); /* calls are reported each time */
    ck_assert_str_eq(discover_last_error(d), "the table is of another version");
    ck_assert_int_eq(reported.calls, 1);
    struct catalog *next = stage_catalog(3, 9000); /* and back to a daemon of this version */
    ck_assert_int_eq(reconnect(), 0);
    welcome(stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    (void)pick(DISCOVER_FRESH);
    ck_assert_uint_eq(reported.n, 3);
    close(newer);
    end();
    catalog_free(next);
}
END_TEST

/* --- no descriptors left --- */

static struct rlimit before;

static void take_descriptors_away(void)
{
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, before.rlim_max}), 0);
}

static void give_them_back(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}

START_TEST(a_start_without_descriptors_can_be_repeated)
{
    stage_open(&stage);
    struct discover *lone = stage_handle(&stage);
    take_descriptors_away();
    int err = discover_start(lone);
    give_them_back();
    ck_assert_int_eq(err, -EMFILE);
    ck_assert_int_eq(discover_fd(lone), -EBADF);
    ck_assert_int_eq(discover_start(lone), 0);
    stage_accept(&stage);
    discover_free(lone);
    stage_close(&stage);
}
END_TEST

START_TEST(a_table_that_could_not_be_received_is_fetched_later)
{
    begin(stage_catalog(2, 8000));
    struct catalog *next = stage_catalog(3, 9000);
    (void)pick(DISCOVER_FRESH);
    catalog_free(catalog);
    catalog = NULL;
    stage_table_moved(&stage, stage_table_fd(next));
    take_descriptors_away();
    ck_assert_int_eq(discover_dispatch(d), -EMFILE);
    int more = 0;
    for (int64_t until_ns = clock_now_ns() + 300 * NS_PER_MS; clock_now_ns() < until_ns;) { /* tries go on in vain */
        struct pollfd work = {.fd = discover_fd(d), .events = POLLIN};
        if (poll(&work, 1, 50) == 1)
            more += discover_dispatch(d) != 0;
    }
    (void)pick(DISCOVER_STALE);
    give_them_back();
    ck_assert_int_eq(more, 0); /* the same reason as before: nothing new to report */
    (void)reconnect();
    welcome(stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    (void)pick(DISCOVER_FRESH);
    ck_assert_uint_eq(reported.n, 3);
    end();
    catalog_free(next);
}
END_TEST

UNIT_TESTS("survival", an_outgrown_table_is_left_with_all_that_was_learnt,
           a_newer_layout_is_reported_once_and_the_old_table_answers, a_start_without_descriptors_can_be_repeated,
           a_table_that_could_not_be_received_is_fetched_later)
