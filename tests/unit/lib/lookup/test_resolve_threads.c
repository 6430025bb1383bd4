/* SPDX-License-Identifier: Apache-2.0 */
/* Four threads look up while the table moves under them: every answer is one table's, whole. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "discover/discover.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define THREADS   4
#define INSTANCES 8
#define MOVES     2000

struct reader {
    pthread_t thread;
    struct discover *d;
    _Atomic int *stop;
    uint64_t answers, torn, failed;
};

static void read_once(struct reader *r)
{
    struct discover_endpoint e[INSTANCES];
    size_t n;
    int result = discover_resolve(r->d, "shop/payment", e, INSTANCES, &n);
    if (result < 0 || n != INSTANCES) {
        r->failed++;
        return;
    }
    uint16_t table = e[0].port / 1000;
    for (size_t i = 1; i < n; i++)
        r->torn += e[i].port / 1000 != table;
    r->answers++;
}

static void *read_on(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load_explicit(r->stop, memory_order_relaxed))
        read_once(r);
    return NULL;
}

/* A daemon that restarts, or outgrows its table, all the time. */
static void move_on(struct stage *s, struct discover *d)
{
    struct catalog *old = NULL;
    for (int i = 0; i < MOVES; i++) {
        struct catalog *next = stage_catalog(INSTANCES, (uint16_t)(1000 * (1 + i % 60)));
        stage_table_moved(s, stage_table_fd(next));
        ck_assert_int_eq(discover_dispatch(d), 0);
        catalog_free(old);
        old = next;
    }
    catalog_free(old);
}

START_TEST(answers_are_whole_while_the_table_moves)
{
    struct stage stage;
    stage_open(&stage);
    struct catalog *first = stage_catalog(INSTANCES, 1000);
    struct discover *d = stage_client(&stage, stage_table_fd(first));
    _Atomic int stop = 0;
    struct reader readers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        readers[i].d = d;
        readers[i].stop = &stop;
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    move_on(&stage, d);
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(readers[i].thread, NULL);
        ck_assert_uint_gt(readers[i].answers, 0);
        ck_assert_uint_eq(readers[i].torn, 0);
        ck_assert_uint_eq(readers[i].failed, 0);
    }
    discover_free(d);
    catalog_free(first);
    stage_close(&stage);
}
END_TEST

UNIT_TESTS("resolve threads", answers_are_whole_while_the_table_moves)
