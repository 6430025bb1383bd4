/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paged services in the shared table: one writer at full speed, readers in other threads that read one state each time,
 * however long that takes them; a writer killed at any moment; any bytes in directory and pages.
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
#include "libdiscover/core/table_select.h"
#include "tests/support/unit.h"

enum { PAGES = 40, PER_PAGE = 8, N = PAGES * PER_PAGE, READERS = 3, PUTS = 60000, READS = 1000 };

#define KEY "d/large"

/*
 * The n-th state: page i has the mark of the last time that it was written, and they are written in turn. So the marks of
 * a state fall by one at one place at most, and its first is the largest.
 */
static int put(struct table_writer *w, uint32_t n)
{
    static uint64_t words[PAGES][TABLE_PAGE_HEADER_WORDS + PER_PAGE * TABLE_ENDPOINT_WORDS + PER_PAGE / 2];
    struct table_page_parts pages[PAGES];
    for (uint32_t i = 0; i < PAGES; i++) {
        bool fresh = n == 0 || n % PAGES == i;
        pages[i] = (struct table_page_parts){.kept = n == 0 ? TABLE_PAGE_NEW : i};
        if (!fresh)
            continue;
        struct discover_endpoint *e = (struct discover_endpoint *)(words[i] + TABLE_PAGE_HEADER_WORDS);
        words[i][TABLE_P_COUNT] = PER_PAGE;
        for (uint32_t k = 0; k < PER_PAGE; k++)
            e[k] = (struct discover_endpoint){.id = i * PER_PAGE + k, .weight = n / PAGES, .state = DISCOVER_PASSING};
        pages[i].words = words[i];
        pages[i].n_words = sizeof words[i] / 8;
    }
    return table_writer_put_pages(w, KEY, strlen(KEY), N, N, n / PAGES, pages, PAGES);
}

static bool whole(const struct discover_endpoint *e, size_t n)
{
    int falls = 0;
    for (size_t i = 0; i < n; i++) {
        if (e[i].id != i)
            return false;
        falls += i > 0 && e[i].weight != e[i - 1].weight;
        if (i > 0 && (e[i].weight > e[i - 1].weight || e[i - 1].weight - e[i].weight > 1))
            return false;
    }
    return n == N && falls <= 1;
}

struct reader {
    pthread_t thread;
    struct table table;
    atomic_int *stop;
    atomic_ullong reads;
    uint64_t torn;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct discover_endpoint e[N];
    struct table_filter any = {0};
    struct table_view v;
    size_t n;
    table_view_init(&v);
    while (!atomic_load(r->stop)) {
        int err = table_endpoints(&r->table, KEY, strlen(KEY), e, N, &n);
        r->torn += err == 0 ? !whole(e, n) : err != -EBUSY;
        r->reads += err == 0;
        err = table_select(&r->table, KEY, strlen(KEY), &any, NULL, e, N, &n);
        r->torn += err == 0 ? !whole(e, n) : err != -EBUSY;
        err = table_view_find(&r->table, KEY, strlen(KEY), &v);
        r->torn += err == 0 ? !whole(table_view_endpoint(&v, 0), v.n_total) : err != -EBUSY;
    }
    table_view_fini(&v);
    return NULL;
}

static bool all_have_read(struct reader *readers)
{
    for (int i = 0; i < READERS; i++)
        if (atomic_load(&readers[i].reads) < READS)
            return false;
    return true;
}

START_TEST(test_no_torn_read)
{
    struct table_writer *w;
    struct reader readers[READERS] = {0};
    atomic_int stop = 0;
    ck_assert_int_eq(table_writer_new(1 << 17, NULL, NULL, &w), 0);
    ck_assert_int_eq(put(w, 0), 1);
    for (int i = 0; i < READERS; i++) {
        readers[i].stop = &stop;
        ck_assert_int_eq(table_map(table_writer_fd(w), &readers[i].table), 0);
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (uint32_t n = 1; n < PUTS || !all_have_read(readers); n++)
        ck_assert_int_ge(put(w, n), 0);
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
        struct discover_endpoint e[N];
        size_t n;
        ck_assert_int_eq(table_writer_new(1 << 17, NULL, NULL, &w), 0);
        ck_assert_int_eq(put(w, 0), 1);
        ck_assert_int_eq(table_map(table_writer_fd(w), &t), 0);
        pid_t pid = fork();
        if (pid == 0)
            for (uint32_t k = 1;; k++)
                (void)put(w, k);
        ck_assert_int_gt(pid, 0);
        int err = -EBUSY;
        while (err == -EBUSY || (err == 0 && e[0].weight < 100))
            err = table_endpoints(&t, KEY, strlen(KEY), e, N, &n);
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert_int_eq(table_endpoints(&t, KEY, strlen(KEY), e, N, &n), 0);
        ck_assert(whole(e, n));
        table_unmap(&t);
        table_writer_free(w);
    }
}
END_TEST

/* Neighbours that stay may be one part, or several. Returns the number of parts. */
static size_t join_some(const struct table_page_parts *pages, size_t n, struct table_page_parts *ret_parts)
{
    size_t parts = 0;
    for (size_t k = 0; k < n; k++) {
        struct table_page_parts *last = parts > 0 ? &ret_parts[parts - 1] : NULL;
        bool both_stay = last && !last->words && !pages[k].words;
        if (both_stay && last->kept + table_page_count(last) == pages[k].kept && rand() % 4 > 0)
            last->more++;
        else
            ret_parts[parts++] = pages[k];
    }
    return parts;
}

/* Pages come and go while others stay: each is freed once, and none that is still there. */
START_TEST(test_pages_come_and_go)
{
    enum { WORDS = TABLE_PAGE_HEADER_WORDS + TABLE_ENDPOINT_WORDS + 1 };
    struct table_writer *w;
    uint64_t ids[PAGES], n = 0, next_id = 1;
    ck_assert_int_eq(table_writer_new(1 << 16, NULL, NULL, &w), 0);
    srand(1);
    for (int round = 0; round < 5000; round++) {
        uint64_t words[PAGES][WORDS] = {0};
        struct table_page_parts pages[PAGES], parts[PAGES];
        uint32_t k = 0;
        for (uint32_t i = 0; i < n; i++)
            if (rand() % 8 > 0)
                ids[k] = ids[i], pages[k++] = (struct table_page_parts){.kept = i};
        for (; k < PAGES && (k == 0 || rand() % 4 > 0); k++) {
            struct discover_endpoint *e = (struct discover_endpoint *)(words[k] + TABLE_PAGE_HEADER_WORDS);
            words[k][TABLE_P_COUNT] = 1;
            e->id = ids[k] = next_id++;
            pages[k] = (struct table_page_parts){.words = words[k], .n_words = WORDS, .kept = TABLE_PAGE_NEW};
        }
        n = k;
        size_t n_parts = join_some(pages, k, parts);
        ck_assert_int_ge(table_writer_put_pages(w, KEY, strlen(KEY), k, k, 1, parts, n_parts), 0);
        struct discover_endpoint e[PAGES];
        size_t found;
        ck_assert_int_eq(table_endpoints(table_writer_table(w), KEY, strlen(KEY), e, PAGES, &found), 0);
        ck_assert_uint_eq(found, n);
        for (uint32_t i = 0; i < n; i++)
            ck_assert_uint_eq(e[i].id, ids[i]);
    }
    table_writer_remove(w, KEY, strlen(KEY));
    struct discover_endpoint e;
    size_t found;
    ck_assert_int_eq(table_endpoints(table_writer_table(w), KEY, strlen(KEY), &e, 1, &found), -ENOENT);
    ck_assert_uint_eq(table_writer_stats(w).moves, 0);
    ck_assert_uint_le(table_writer_stats(w).heap_used_words, (1 << 16) / 16 * 5 / 4); /* what lies idle for readers */
    table_writer_free(w);
}
END_TEST

START_TEST(test_kept_pages_must_be_there)
{
    struct table_writer *w;
    struct table_page_parts absent = {.kept = 0}, twice[2] = {{.kept = 1}, {.kept = 1}};
    struct table_page_parts too_many = {.kept = 1, .more = PAGES - 1}, twice_in_one[2] = {{.more = 1}, {.kept = 1}};
    ck_assert_int_eq(table_writer_new(1 << 16, NULL, NULL, &w), 0);
    ck_assert_int_eq(table_writer_put_pages(w, KEY, strlen(KEY), 1, 1, 1, &absent, 1), -EINVAL);
    ck_assert_int_eq(put(w, 0), 1);
    ck_assert_int_eq(table_writer_put_pages(w, KEY, strlen(KEY), 1, 1, 1, twice, 2), -EINVAL);
    ck_assert_int_eq(table_writer_put_pages(w, KEY, strlen(KEY), 1, 1, 1, twice, 0), -EINVAL);
    ck_assert_int_eq(table_writer_put_pages(w, KEY, strlen(KEY), 1, 1, 1, &too_many, 1), -EINVAL);
    ck_assert_int_eq(table_writer_put_pages(w, KEY, strlen(KEY), 1, 1, 1, twice_in_one, 2), -EINVAL);
    table_writer_free(w);
}
END_TEST

static bool after_some(void *arg, const struct table_view *v, uint32_t from)
{
    (void)arg;
    return from > 0 && v->n_total > N / 2;
}

/* The sanitizers watch. */
START_TEST(test_damaged_pages)
{
    struct table_writer *w;
    struct table t;
    struct table_view v;
    struct discover_endpoint e[N];
    const struct table_filter any = {.n_tags = 1, .tags = {"canary"}};
    const struct table_page_filter some = {.enough = after_some};
    size_t n;
    ck_assert_int_eq(table_writer_new(8192, NULL, NULL, &w), 0);
    ck_assert_int_eq(put(w, 0), 1);
    uint64_t words = table_writer_table(w)->n_words;
    uint64_t *copy = malloc(words * 8);
    uint32_t slot;
    ck_assert_int_eq(table_find(table_writer_table(w), KEY, strlen(KEY), &slot), 0);
    uint64_t heap = table_load(&table_writer_table(w)->words[TABLE_H_HEAP]);
    table_view_init(&v);
    srand(3);
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, (const void *)table_writer_table(w)->words, words * 8);
        for (int k = rand() % 8; k >= 0; k--) {
            uint64_t at = rand() % 4 ? heap + (uint64_t)rand() % 4000 : (uint64_t)rand() % words;
            at = at < words ? at : words - 1;
            copy[at] = rand() % 3 ? (uint64_t)rand() << (rand() % 40) : copy[at] ^ (UINT64_C(1) << (rand() % 64));
        }
        if (table_attach((const table_word *)copy, words, &t) < 0)
            continue;
        (void)table_endpoints(&t, KEY, strlen(KEY), e, N, &n);
        (void)table_select(&t, KEY, strlen(KEY), &any, NULL, e, N, &n);
        if (table_view_read_some(&t, slot, rand() % 2 ? &some : NULL, &v) < 0)
            continue;
        const uint8_t *bytes;
        for (uint32_t i = 0; v.kind == TABLE_SERVICE && i < v.n_total; i++) {
            ck_assert_uint_le(table_view_endpoint(&v, i)->families, 255);
            if (table_view_details(&v, i, &bytes, &n) == 0)
                ck_assert_uint_le(n, v.n_words * 8);
        }
    }
    table_view_fini(&v);
    free(copy);
    table_writer_free(w);
}
END_TEST

UNIT_TESTS("table_pages", test_no_torn_read, test_killed_writer_leaves_a_whole_table, test_pages_come_and_go,
           test_kept_pages_must_be_there, test_damaged_pages)
