/* SPDX-License-Identifier: Apache-2.0 */
/* Handles in time and PID namespaces: clocks that are apart, numbers of processes that are not. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define DAY_NS (24 * 3600 * NS_PER_S)

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;

/* A daemon whose clock is so much before ours. */
static void begin(int64_t daemon_ahead_ns)
{
    stage_open(&stage);
    catalog = stage_catalog(2, 80);
    stage.clock_ns = clock_now_ns() + daemon_ahead_ns;
    table_writer_alive(catalog_table(catalog), stage.clock_ns);
    d = stage_client(&stage, stage_table_fd(catalog));
}

static void end(void)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static int result(void)
{
    size_t n;
    int result = discover_resolve(d, "shop/payment", NULL, 0, &n);
    return result < 0 || n != 2 ? -EIO : result;
}

static int result_of_region(void)
{
    size_t n;
    return discover_resolve(d, "shop/payment@b", NULL, 0, &n);
}

/* Has one instance of the service in region b, which is live. */
static struct catalog *add_region(void)
{
    const struct catalog_options options = {.host = "",
                                            .region = "eu",
                                            .of_region = "b",
                                            .table = catalog_table(catalog),
                                            .hosts_max = 1,
                                            .services_max = 1,
                                            .instances_per_host_max = 1};
    const uint64_t words[TABLE_REGION_WORDS] = {[TABLE_R_SYNC] = TABLE_LIVE};
    const struct lease lease = {.ttl_ms = 1000, .region = "b"};
    struct catalog *b;
    ck_assert_int_eq(table_writer_put(catalog_table(catalog), TABLE_REGION, "%b", 2, 0, 0, words, TABLE_REGION_WORDS),
                     1);
    ck_assert_int_eq(catalog_new(&options, NULL, NULL, &b), 0);
    ck_assert_int_eq(catalog_set_host(b, "web-2", &lease, true, 1), 0);
    stage_put(b, "shop.payment.web-2.p0", DISCOVER_PASSING, 80);
    return b;
}

/* The verdict is kept for a moment. */
static void wait_for(int wanted)
{
    for (int64_t end_ns = clock_now_ns() + NS_PER_S; result() != wanted;)
        ck_assert_int_lt(clock_now_ns(), end_ns);
}

static void check_ages(int64_t daemon_ahead_ns)
{
    struct table_writer *w;
    begin(daemon_ahead_ns);
    w = catalog_table(catalog);
    ck_assert_int_eq(result(), DISCOVER_FRESH);
    ck_assert_int_eq(discover_age_ms(d), 0);
    struct catalog *region = add_region();
    ck_assert_int_eq(result_of_region(), DISCOVER_FRESH);
    /* Silent for longer than one may be. */
    table_writer_alive(w, clock_now_ns() + daemon_ahead_ns - 20 * NS_PER_S);
    wait_for(DISCOVER_STALE);
    ck_assert_int_eq(result_of_region(), DISCOVER_STALE);
    ck_assert_int_ge(discover_age_ms(d), 19900);
    ck_assert_int_le(discover_age_ms(d), 22000);
    table_writer_alive(w, clock_now_ns() + daemon_ahead_ns);
    wait_for(DISCOVER_FRESH);
    table_writer_set_sync(w, TABLE_STALE, clock_now_ns() + daemon_ahead_ns - 3 * NS_PER_S);
    wait_for(DISCOVER_STALE);
    ck_assert_int_ge(discover_age_ms(d), 2900);
    ck_assert_int_le(discover_age_ms(d), 5000);
    /* What comes later is of the same clock. */
    struct catalog *next = stage_catalog(2, 90);
    table_writer_alive(catalog_table(next), clock_now_ns() + daemon_ahead_ns);
    stage_table_moved(&stage, stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(result(), DISCOVER_FRESH);
    catalog_free(next);
    catalog_free(region);
    end();
}

START_TEST(a_clock_that_is_ahead)
{
    check_ages(DAY_NS);
}
END_TEST

START_TEST(a_clock_that_is_behind)
{
    check_ages(-clock_now_ns() / 2);
}
END_TEST

START_TEST(one_clock)
{
    check_ages(0);
    begin(0);
    ck_assert_int_eq(d->ahead_ns, 0);
    end();
}
END_TEST

/* Forks into a PID namespace of its own; the exit code of fn there, or 77: that is not allowed. */
static int in_pid_namespace(int (*fn)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWPID) < 0)
            _exit(77);
        pid_t first = fork();
        if (first == 0)
            _exit(fn());
        _exit(waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int uses_the_parents(void)
{
    bool right = getpid() == 1 && result() == DISCOVER_FRESH && discover_dispatch(d) == -ECHILD &&
                 discover_deregister(d, "shop/payment", "p1") == -ECHILD;
    discover_free(d);
    return right ? 0 : 1;
}

/* The handle is of a process with the number 1, and used by a child that has that number, too. */
static int has_children_of_its_number(void)
{
    int status;
    begin(0);
    if (getpid() != 1 || unshare(CLONE_NEWPID) < 0)
        return 77;
    pid_t child = fork();
    if (child == 0)
        _exit(uses_the_parents());
    bool right = waitpid(child, &status, 0) == child && status == 0;
    right = right && discover_connected(d) == 1 && discover_dispatch(d) == 0;
    end();
    return right ? 0 : 2;
}

START_TEST(a_child_with_its_parents_number)
{
    int code = in_pid_namespace(has_children_of_its_number);
    if (code == 77)
        printf("-- a_child_with_its_parents_number: no PID namespaces here\n");
    else
        ck_assert_int_eq(code, 0);
}
END_TEST

UNIT_TESTS("namespaces", one_clock, a_clock_that_is_ahead, a_clock_that_is_behind, a_child_with_its_parents_number)
