/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer at full speed, four readers: no torn read, nobody waits. Every block's words say the same number, so a
 * read that mixes two blocks shows. Run under ThreadSanitizer as well. Also: a writer killed at any moment leaves a
 * table that can be read.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/catalog/table_writer.h"
#include "tests/support/unit.h"

enum { READERS = 4, KEYS = 8, MAX_ENDPOINTS = 64, PUTS = 60000, READS = 1000 };

static const char *const keys[KEYS] = {"d/a", "d/b", "d/c", "d/d", "d/e", "d/f", "d/g", "d/h"};

/* All endpoints of a block carry the same mark, and their number follows from it. */
static uint32_t count_of(uint64_t mark)
{
    return (uint32_t)(1 + mark % (MAX_ENDPOINTS - 1));
}

static void put(struct table_writer *w, uint64_t mark)
{
    uint64_t body[MAX_ENDPOINTS * TABLE_ENDPOINT_WORDS + MAX_ENDPOINTS / 2] = {0};
    struct discover_endpoint *e = (struct discover_endpoint *)body;
    uint32_t n = count_of(mark);
    for (uint32_t i = 0; i < n; i++)
        e[i] = (struct discover_endpoint){.id = mark, .weight = (uint32_t)mark};
    size_t words = n * TABLE_ENDPOINT_WORDS + (n + 1) / 2;
    const char *key = keys[mark % KEYS];
    if (table_writer_put(w, TABLE_SERVICE, key, strlen(key), n, n, body, words) < 0)
        abort();
}

/* Returns whether what was read is whole. */
static int whole(const struct discover_endpoint *e, size_t n, int key)
{
    uint64_t mark = e[0].id;
    if (n != count_of(mark) || mark % KEYS != (uint64_t)key)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (e[i].id != mark || e[i].weight != (uint32_t)mark)
            return 0;
    return 1;
}

struct reader {
    pthread_t thread;
    struct table table;
    atomic_int *stop;
    atomic_ullong reads;
    uint64_t busy, torn;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct discover_endpoint e[MAX_ENDPOINTS];
    struct table_view v;
    table_view_init(&v);
    for (int key = 0; !atomic_load(r->stop); key = (key + 1) % KEYS) {
        size_t n;
        int err = table_endpoints(&r->table, keys[key], 3, e, MAX_ENDPOINTS, &n);
        r->reads += err == 0;
        r->busy += err == -EBUSY;
        r->torn += err == 0 ? !whole(e, n, key) : err != -EBUSY;
        if (table_view_find(&r->table, keys[key], 3, &v) == 0)
            r->torn += !whole(table_view_endpoint(&v, 0), v.n_total, key);
    }
    table_view_fini(&v);
    return NULL;
}

static int all_have_read(struct reader *readers)
{
    for (int i = 0; i < READERS; i++)
        if (atomic_load(&readers[i].reads) < READS)
            return 0;
    return 1;
}

START_TEST(test_no_torn_read)
{
    struct table_writer *w;
    struct reader readers[READERS] = {0};
    atomic_int stop = 0;
    ck_assert_int_eq(table_writer_new(1 << 16, NULL, NULL, &w), 0);
    for (uint64_t mark = 0; mark < KEYS; mark++)
        put(w, mark);
    for (int i = 0; i < READERS; i++) {
        readers[i].stop = &stop;
        ck_assert_int_eq(table_map(table_writer_fd(w), &readers[i].table), 0);
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (uint64_t mark = KEYS; mark < PUTS || !all_have_read(readers); mark++)
        put(w, mark);
    atomic_store(&stop, 1);
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
        ck_assert_uint_eq(readers[i].torn, 0);
        table_unmap(&readers[i].table);
    }
    ck_assert_uint_eq(table_writer_stats(w).moves, 0);
    table_writer_free(w);
}
END_TEST

START_TEST(test_killed_writer_leaves_a_whole_table)
{
    for (int round = 0; round < 20; round++) {
        struct table_writer *w;
        struct table t;
        struct discover_endpoint e[MAX_ENDPOINTS];
        size_t n;
        ck_assert_int_eq(table_writer_new(1 << 16, NULL, NULL, &w), 0);
        for (uint64_t mark = 0; mark < KEYS; mark++)
            put(w, mark);
        ck_assert_int_eq(table_map(table_writer_fd(w), &t), 0);
        pid_t pid = fork();
        if (pid == 0)
            for (uint64_t mark = KEYS;; mark++)
                put(w, mark);
        ck_assert_int_gt(pid, 0);
        while (table_endpoints(&t, keys[0], 3, e, MAX_ENDPOINTS, &n) == 0 && e[0].id < 1000)
            ;
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        for (int key = 0; key < KEYS; key++) {
            ck_assert_int_eq(table_endpoints(&t, keys[key], 3, e, MAX_ENDPOINTS, &n), 0);
            ck_assert(whole(e, n, key));
        }
        table_unmap(&t);
        table_writer_free(w);
    }
}
END_TEST

UNIT_TESTS("table_threads", test_no_torn_read, test_killed_writer_leaves_a_whole_table)
