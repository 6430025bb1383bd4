/* SPDX-License-Identifier: Apache-2.0 */
/* The shared table, written and read: what is put is found, through changes, removals and moves; seals hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/catalog/table_writer.h"
#include "tests/support/unit.h"

#define SMALL 8192

static void put_service(struct table_writer *w, const char *key, uint32_t n, uint64_t mark)
{
    enum { MAX = 600 };
    static uint64_t body[MAX * TABLE_ENDPOINT_WORDS + MAX / 2 + 1];
    struct discover_endpoint *e = (struct discover_endpoint *)body;
    memset(body, 0, sizeof body);
    for (uint32_t i = 0; i < n; i++)
        e[i] = (struct discover_endpoint){.port = (uint16_t)i, .weight = 1, .id = mark};
    size_t words = n * TABLE_ENDPOINT_WORDS + (n + 1) / 2;
    ck_assert_int_eq(table_writer_put(w, TABLE_SERVICE, key, strlen(key), n, n, body, words), 1);
}

static uint64_t mark_of(const struct table *t, const char *key, size_t *ret_n)
{
    struct discover_endpoint e[4];
    *ret_n = 0;
    int err = table_endpoints(t, key, strlen(key), e, 4, ret_n);
    return err < 0 || *ret_n == 0 ? 0 : e[0].id;
}

START_TEST(test_put_change_remove)
{
    struct table_writer *w;
    size_t n;
    uint32_t slot;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    const struct table *t = table_writer_table(w);
    ck_assert_int_eq(table_find(t, "shop/payment", 12, &slot), -ENOENT);
    put_service(w, "shop/payment", 3, 1);
    ck_assert_uint_eq(mark_of(t, "shop/payment", &n), 1);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(table_find(t, "shop/payment", 12, &slot), 0);
    uint64_t seq = table_slot_seq(t, slot);
    put_service(w, "shop/payment", 5, 2);
    ck_assert_uint_ne(table_slot_seq(t, slot), seq);
    ck_assert_uint_eq(mark_of(t, "shop/payment", &n), 2);
    ck_assert_uint_eq(n, 5); /* more than fit */
    table_writer_remove(w, "shop/payment", 12);
    ck_assert_int_eq(table_find(t, "shop/payment", 12, &slot), -ENOENT);
    table_writer_remove(w, "shop/payment", 12);
    put_service(w, "shop/payment", 1, 3);
    ck_assert_uint_eq(mark_of(t, "shop/payment", &n), 3);
    table_writer_free(w);
}
END_TEST

START_TEST(test_a_key_is_not_its_prefix_nor_another_kind)
{
    struct table_writer *w;
    size_t n;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    put_service(w, "shop/payment", 1, 1);
    uint64_t names[] = {0};
    ck_assert_int_eq(table_writer_put(w, TABLE_DOMAIN, "shop/", 5, 1, 1, names, 1), 1);
    const struct table *t = table_writer_table(w);
    ck_assert_uint_eq(mark_of(t, "shop/paymen", &n), 0);
    ck_assert_uint_eq(mark_of(t, "shop/payments", &n), 0);
    struct discover_endpoint e;
    ck_assert_int_eq(table_endpoints(t, "shop/", 5, &e, 1, &n), -ENOENT);
    ck_assert_int_eq(table_endpoints(t, "", 0, &e, 1, &n), -ENOENT);
    char longest[TABLE_KEY_MAX + 1];
    memset(longest, 'a', sizeof longest);
    ck_assert_int_eq(table_endpoints(t, longest, sizeof longest, &e, 1, &n), -ENOENT);
    table_writer_free(w);
}
END_TEST

/* Who asks with little room is told how much to make: no more than there can be. */
START_TEST(test_a_block_does_not_claim_more_than_it_holds)
{
    struct table_writer *w;
    struct discover_endpoint e;
    uint64_t body[TABLE_ENDPOINT_WORDS + 1] = {0};
    size_t n;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    ck_assert_int_eq(table_writer_put(w, TABLE_SERVICE, "shop/payment", 12, 1u << 30, 1u << 30, body, 6), 1);
    ck_assert_int_eq(table_endpoints(table_writer_table(w), "shop/payment", 12, &e, 1, &n), -EBADMSG);
    table_writer_free(w);
}
END_TEST

struct moves {
    int count;
    int fd;
};

static void on_move(void *arg, int fd)
{
    struct moves *m = arg;
    m->count++;
    m->fd = fd;
}

/* Thousands of keys through several moves: a reader's old mapping says so, the new one has everything. */
START_TEST(test_growth)
{
    enum { KEYS = 5000 };
    struct table_writer *w;
    struct moves moves = {0};
    struct table old, now;
    char key[32];
    size_t n;
    ck_assert_int_eq(table_writer_new(SMALL, on_move, &moves, &w), 0);
    table_writer_set_sync(w, TABLE_LIVE, 0);
    table_writer_bump_serial(w);
    ck_assert_int_eq(table_map(table_writer_fd(w), &old), 0);
    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "d/s%u", i);
        put_service(w, key, 1 + i % 40, i + 1);
    }
    ck_assert_int_gt(moves.count, 3);
    ck_assert(table_abandoned(&old));
    ck_assert_int_eq(table_map(moves.fd, &now), 0);
    ck_assert(!table_abandoned(&now));
    ck_assert_int_eq(table_sync(&now), TABLE_LIVE);
    ck_assert_uint_eq(table_serial(&now), 1);
    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "d/s%u", i);
        ck_assert_uint_eq(mark_of(&now, key, &n), i + 1);
        ck_assert_uint_eq(n, 1 + i % 40);
    }
    table_unmap(&old);
    table_unmap(&now);
    table_writer_free(w);
}
END_TEST

/* Names that come and go for ever must not use the segment up. */
START_TEST(test_churn_does_not_grow)
{
    struct table_writer *w;
    char key[32];
    ck_assert_int_eq(table_writer_new(SMALL * 4, NULL, NULL, &w), 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "d/s%d", i);
        put_service(w, key, (uint32_t)(i % 8), 1);
        if (i >= 20) {
            snprintf(key, sizeof key, "d/s%d", i - 20);
            table_writer_remove(w, key, strlen(key));
        }
    }
    ck_assert_uint_le(table_writer_stats(w).segment_words, SMALL * 8);
    ck_assert_uint_eq(table_writer_stats(w).keys, 20);
    table_writer_free(w);
}
END_TEST

START_TEST(test_readers_cannot_write_or_shrink)
{
    struct table_writer *w;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    int fd = table_writer_fd(w);
    ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    ck_assert_int_lt(ftruncate(fd, 4096), 0);
    ck_assert_int_lt(write(fd, "x", 1), 0);
    put_service(w, "shop/payment", 1, 1); /* the writer still can */
    table_writer_free(w);
}
END_TEST

START_TEST(test_age)
{
    struct table_writer *w;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    const struct table *t = table_writer_table(w);
    int64_t s = INT64_C(1000000000);
    table_writer_set_sync(w, TABLE_LIVE, 0);
    table_writer_alive(w, 100 * s);
    ck_assert_int_eq(table_age_ns(t, 101 * s), 0);
    ck_assert_int_eq(table_age_ns(t, 110 * s), 10 * s); /* the daemon is silent */
    table_writer_alive(w, 110 * s);
    table_writer_set_sync(w, TABLE_STALE, 90 * s);
    ck_assert_int_eq(table_age_ns(t, 110 * s), 20 * s);
    table_writer_free(w);
}
END_TEST

START_TEST(test_not_a_table)
{
    struct table t;
    int fd = memfd_create("test", MFD_ALLOW_SEALING);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 65536), 0);
    ck_assert_int_eq(table_map(fd, &t), -EPERM); /* not sealed */
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    ck_assert_int_eq(table_map(fd, &t), -EBADMSG);
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(table_map(fd, &t), -EBADMSG);
    close(fd);
}
END_TEST

/* Any bytes whatever in the mapping: an answer or an error, nothing outside (the sanitizers watch). */
START_TEST(test_damaged_tables)
{
    struct table_writer *w;
    struct table t;
    struct table_view v;
    size_t n;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    put_service(w, "shop/payment", 3, 1);
    put_service(w, "shop/cart", 300, 2);
    uint64_t words = table_writer_table(w)->n_words;
    uint64_t *copy = malloc(words * 8);
    table_view_init(&v);
    srand(3);
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, (const void *)table_writer_table(w)->words, words * 8);
        for (int k = rand() % 8; k >= 0; k--) {
            uint64_t at = rand() % 4 ? (uint64_t)rand() % 2200 : (uint64_t)rand() % words;
            copy[at] = rand() % 3 ? (uint64_t)rand() << (rand() % 40) : copy[at] ^ (UINT64_C(1) << (rand() % 64));
        }
        if (table_attach((const table_word *)copy, words, &t) < 0)
            continue;
        mark_of(&t, "shop/payment", &n);
        for (uint32_t slot = 0; slot < table_slots_used(&t) && slot < 64; slot++) {
            if (table_view_read(&t, slot, &v) < 0)
                continue;
            const uint8_t *bytes;
            const char *name;
            size_t cursor = 0;
            for (uint32_t i = 0; v.kind == TABLE_SERVICE && i < v.n_total; i++) {
                ck_assert_uint_le(table_view_endpoint(&v, i)->families, 255);
                (void)table_view_details(&v, i, &bytes, &n);
            }
            while (table_view_name(&v, &cursor, &name, &n) > 0)
                ck_assert_uint_le(n, 255);
        }
    }
    table_view_fini(&v);
    free(copy);
    table_writer_free(w);
}
END_TEST

/* RFC 1982 3.2: half of all numbers are ahead of any. */
START_TEST(test_the_serial_goes_forward_only)
{
    struct table_writer *w;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    const struct table *t = table_writer_table(w);
    table_writer_advance_serial(w, 4000000000);
    ck_assert_uint_eq(table_serial(t), 4000000000);
    table_writer_advance_serial(w, 3999999999);
    ck_assert_uint_eq(table_serial(t), 4000000000);
    table_writer_advance_serial(w, UINT32_MAX);
    table_writer_bump_serial(w);
    ck_assert_uint_eq(table_serial(t), 0);
    table_writer_bump_serial(w);
    table_writer_advance_serial(w, UINT32_MAX);
    ck_assert_uint_eq(table_serial(t), 1);
    table_writer_free(w);
}
END_TEST

UNIT_TESTS("table", test_put_change_remove, test_the_serial_goes_forward_only,
           test_a_key_is_not_its_prefix_nor_another_kind, test_a_block_does_not_claim_more_than_it_holds, test_growth,
           test_churn_does_not_grow, test_readers_cannot_write_or_shrink, test_age, test_not_a_table,
           test_damaged_tables)
