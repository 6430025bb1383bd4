/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.snap is written by a thread that maps and unmaps the table itself, while others read it and it moves. */
#include "daemon/registry/catalog_file.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "tests/support/unit.h"
#include "tests/support/wait.h"
#include "tests/unit/base/folder.h"

enum { ROUNDS = 20, PER_ROUND = 100, READERS = 2, WAIT_MS = 30000 };

#define SERVICE     "shop/pay"
#define FILE_NAME   "catalog.snap"
#define INTERVAL_NS (60 * NS_PER_S) /* more than lies between two files at least */

static struct event_base *base;
static struct metrics *metrics;
static struct catalog *catalog;
static struct catalog_file *file;

static struct catalog *new_catalog(const char *host)
{
    const struct catalog_options o = {.host = host,
                                      .region = "eu",
                                      .zone = "",
                                      .table_words = 1,
                                      .hosts_max = 10,
                                      .services_max = 10,
                                      .instances_per_host_max = ROUNDS * PER_ROUND};
    struct catalog *c;
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    return c;
}

static void setup(void)
{
    base = loop_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(catalog_file_new(base, folder_enter(), "", metrics, &file), 0);
    catalog = new_catalog("web-1");
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &(struct lease){.epoch = 1, .region = "eu"}, true, 1), 0);
}

static void teardown(void)
{
    catalog_file_free(file);
    loop_free(base);
    catalog_free(catalog);
    metrics_free(metrics);
    folder_remove();
}

static void put_some(int from)
{
    for (int i = from; i < from + PER_ROUND; i++) {
        struct instance_key key = {.domain = "shop", .service = "pay", .host = "web-2"};
        struct record r;
        record_init(&r);
        r.epoch = 1;
        r.port = 80;
        ck_assert_int_eq(record_add_address(&r, "10.0.0.2"), 0);
        snprintf(key.instance, sizeof key.instance, "p%d", i);
        ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
    }
    catalog_flush(catalog);
    table_writer_bump_serial(catalog_table(catalog));
}

/* How often a segment of a table is mapped in this process. */
static int count_mappings(void)
{
    char line[512];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "memfd:discoverd-table") != NULL;
    fclose(f);
    return n;
}

struct reader {
    pthread_t thread;
    struct table table;
    size_t least; /* instances that there are in it */
    atomic_bool stop;
    unsigned failed;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct table_view v;
    table_view_init(&v);
    while (!atomic_load(&r->stop))
        r->failed += table_view_find(&r->table, SERVICE, strlen(SERVICE), &v) < 0 || v.n_first < r->least;
    table_view_fini(&v);
    return NULL;
}

static void start_reader(struct reader *r)
{
    *r = (struct reader){.least = PER_ROUND};
    ck_assert_int_eq(table_map(table_writer_fd(catalog_table(catalog)), &r->table), 0);
    ck_assert_int_eq(pthread_create(&r->thread, NULL, read_on, r), 0);
}

static void stop_reader(struct reader *r)
{
    atomic_store(&r->stop, true);
    pthread_join(r->thread, NULL);
    ck_assert_uint_eq(r->failed, 0);
    table_unmap(&r->table);
}

static void check_file(size_t instances)
{
    struct catalog *c = new_catalog("web-3");
    int64_t since_ns;
    ck_assert(catalog_file_load(file, c, clock_now_ns(), &since_ns));
    ck_assert_uint_eq(catalog_counts(c).instances, instances);
    catalog_free(c);
}

/* A call may find that the last thread has just not ended: then a later one begins the file. */
static bool written(int round)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    catalog_file_write(file, catalog_table(catalog), clock_now_ns(), round * INTERVAL_NS);
    return access(FILE_NAME, F_OK) == 0;
}

/* Nothing of the file's is called until the table is unmapped: the main thread has no part in it. */
START_TEST(test_the_thread_unmaps_what_it_has_read)
{
    struct reader readers[READERS];
    put_some(0);
    for (int i = 0; i < READERS; i++)
        start_reader(&readers[i]);
    for (int round = 1; round <= ROUNDS; round++) {
        int before = count_mappings();
        unlink(FILE_NAME);
        wait_until(WAIT_MS, written(round), "no file");
        wait_until(WAIT_MS, count_mappings() == before, "still mapped");
        check_file((size_t)round * PER_ROUND);
        if (round < ROUNDS)
            put_some(round * PER_ROUND);
    }
    for (int i = 0; i < READERS; i++)
        stop_reader(&readers[i]);
}
END_TEST

/* The table moves to another segment, again and again, while the thread reads the one that was. */
START_TEST(test_the_table_moves_meanwhile)
{
    struct reader reader;
    put_some(0);
    start_reader(&reader);
    for (int round = 1; round < ROUNDS; round++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        catalog_file_write(file, catalog_table(catalog), clock_now_ns(), round * INTERVAL_NS);
        put_some(round * PER_ROUND);
    }
    ck_assert(table_abandoned(&reader.table));
    catalog_file_write_now(file, catalog_table(catalog), clock_now_ns());
    check_file(ROUNDS * PER_ROUND);
    stop_reader(&reader);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog file", test_the_thread_unmaps_what_it_has_read, test_the_table_moves_meanwhile)
