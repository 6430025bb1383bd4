/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service of thousands of instances, which lies in pages: after any changes it reads as if it were written at once, in
 * every way there is to read it, and a change costs a page of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_label.h"
#include "libdiscover/core/table_select.h"
#include "tests/support/unit.h"

enum { MANY = 3000, HOSTS = 30 };

#define SERVICE "shop/pay"

/* What is to be read: instance i of host i % HOSTS. */
struct world {
    struct catalog *c;
    struct lease lease[HOSTS];
    bool alive[HOSTS];
    struct record record[MANY];
    struct instance_key key[MANY];
    bool there[MANY];
    uint64_t counter;
};

static void world_init_sized(struct world *w, uint64_t table_words)
{
    struct catalog_options o = {.host = "web-0",
                                .region = "eu",
                                .zone = "eu-1",
                                .table_words = table_words,
                                .hosts_max = 100,
                                .services_max = 10,
                                .instances_per_host_max = MANY};
    memset(w, 0, sizeof *w);
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &w->c), 0);
    for (int h = 0; h < HOSTS; h++) {
        char name[16];
        snprintf(name, sizeof name, "web-%d", h);
        w->lease[h] = (struct lease){.epoch = 1, .region = "eu", .zone = "eu-1"};
        w->alive[h] = true;
        ck_assert_int_eq(catalog_set_host(w->c, name, &w->lease[h], true, 1), 0);
    }
    for (int i = 0; i < MANY; i++) {
        struct instance_key *k = &w->key[i];
        snprintf(k->domain, sizeof k->domain, "shop");
        snprintf(k->service, sizeof k->service, "pay");
        snprintf(k->host, sizeof k->host, "web-%d", i % HOSTS);
        snprintf(k->instance, sizeof k->instance, "p%d", i);
    }
}

static void world_init(struct world *w)
{
    world_init_sized(w, 8192);
}

static void put(struct world *w, int i)
{
    struct record *r = &w->record[i];
    char tag[16];
    record_init(r);
    r->epoch = 1;
    r->counter = ++w->counter;
    r->port = (uint16_t)(1 + rand() % 60000);
    r->priority = (uint16_t)(rand() % 3);
    r->state = (uint8_t)(rand() % 4 ? DISCOVER_PASSING : DISCOVER_CRITICAL);
    r->weight = (uint32_t)(1 + rand() % 100);
    snprintf(tag, sizeof tag, "t%d", i % 500);
    ck_assert_int_eq(record_add_tag(r, tag), 0);
    if (rand() % 2)
        ck_assert_int_eq(record_set_meta(r, "version", "1.4"), 0);
    w->there[i] = true;
    ck_assert_int_eq(catalog_put(w->c, &w->key[i], r), 0);
}

static void drop(struct world *w, int i)
{
    w->there[i] = false;
    catalog_remove(w->c, &w->key[i]);
}

static void turn_host(struct world *w, int h)
{
    w->alive[h] = h == 0 || !w->alive[h];
    ck_assert_int_eq(catalog_set_host(w->c, w->key[h].host, &w->lease[h], w->alive[h], 1), 0);
}

static bool usable(const struct world *w, int i)
{
    return w->alive[i % HOSTS] && w->record[i].state == DISCOVER_PASSING;
}

static int by_order(const void *x, const void *y)
{
    const struct discover_endpoint *a = x, *b = y;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->tier != b->tier)
        return a->tier < b->tier ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* What resolve is to say, in its order; with `rest` the others. */
static uint32_t expected(const struct world *w, bool rest, struct discover_endpoint *ret_endpoints)
{
    uint32_t n = 0;
    for (int i = 0; i < MANY; i++)
        if (w->there[i] && usable(w, i) != rest)
            entry_endpoint(&w->record[i], instance_id(&w->key[i]), i % HOSTS ? DISCOVER_ZONE : DISCOVER_HOST,
                           &ret_endpoints[n++]);
    qsort(ret_endpoints, n, sizeof *ret_endpoints, by_order);
    return n;
}

static int number_of(const struct entry *e)
{
    return atoi(e->instance + 1);
}

static void check_details(const struct world *w, const struct table_view *v)
{
    for (uint32_t k = 0; k < v->n_total; k++) {
        const uint8_t *bytes;
        size_t n;
        struct entry e;
        ck_assert_int_eq(table_view_details(v, k, &bytes, &n), 0);
        ck_assert_int_eq(entry_read(bytes, n, &e), 0);
        int i = number_of(&e);
        ck_assert_str_eq(e.host, w->key[i].host);
        ck_assert_str_eq(e.tags[0], w->record[i].tags[0]);
        ck_assert_uint_eq(e.n_meta, w->record[i].n_meta);
        ck_assert_uint_eq(table_view_endpoint(v, k)->id, instance_id(&w->key[i]));
    }
}

/* Never; counts the pages. */
static bool enough(void *arg, const struct table_view *v, uint32_t from)
{
    ++*(uint32_t *)arg;
    return v->n_total < from;
}

/* Whatever has a label is found by it. */
static void check_labels(const struct world *w, struct table_view *v)
{
    const struct table *t = table_writer_table(catalog_table(w->c));
    uint32_t slot, pages = 0, found;
    ck_assert_int_eq(table_find(t, SERVICE, strlen(SERVICE), &slot), 0);
    for (int i = rand() % 20; i < MANY; i += 100) {
        const uint64_t id = instance_id(&w->key[i]);
        const struct table_page_filter filter = {.labels = {id}, .n_labels = 1, .enough = enough, .arg = &pages};
        ck_assert_int_eq(table_view_read_some(t, slot, &filter, v), 0);
        for (found = 0; found < v->n_total && table_view_endpoint(v, found)->id != id; found++)
            ;
        ck_assert(!w->there[i] || found < v->n_total);
    }
}

static void check(struct world *w)
{
    static struct discover_endpoint want[MANY], got[MANY];
    const struct table *t = table_writer_table(catalog_table(w->c));
    struct table_view v;
    size_t n;
    uint32_t usable_n = expected(w, false, want), rest = expected(w, true, want + usable_n);
    ck_assert_uint_eq(catalog_counts(w->c).usable, usable_n);
    int err = table_endpoints(t, SERVICE, strlen(SERVICE), got, MANY, &n);
    if (usable_n + rest == 0) {
        ck_assert_int_eq(err, -ENOENT);
        return;
    }
    ck_assert_int_eq(err, 0);
    ck_assert_uint_eq(n, usable_n);
    ck_assert_mem_eq(got, want, usable_n * sizeof *got);
    ck_assert_int_eq(table_endpoints(t, SERVICE, strlen(SERVICE), got, 5, &n), 0);
    ck_assert_uint_eq(n, usable_n);
    ck_assert_mem_eq(got, want, (usable_n < 5 ? usable_n : 5) * sizeof *got);
    struct table_filter all = {.states = 1u << DISCOVER_PASSING | 1u << DISCOVER_CRITICAL};
    ck_assert_int_eq(table_select(t, SERVICE, strlen(SERVICE), &all, NULL, got, MANY, &n), 0);
    ck_assert_uint_ge(n, usable_n); /* those of hosts that are gone pass, but are not usable */
    ck_assert_mem_eq(got, want, usable_n * sizeof *got);
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(t, SERVICE, strlen(SERVICE), &v), 0);
    ck_assert_uint_eq(v.n_first, usable_n);
    ck_assert_uint_eq(v.n_total, usable_n + rest);
    ck_assert_mem_eq(table_view_endpoint(&v, 0), want, (usable_n + rest) * sizeof *want);
    check_details(w, &v);
    check_labels(w, &v);
    table_view_fini(&v);
}

static void change(struct world *w, int most)
{
    int i = rand() % most;
    switch (rand() % 20) {
    case 0:
        turn_host(w, rand() % HOSTS);
        break;
    case 1:
    case 2:
    case 3:
        if (w->there[i])
            drop(w, i);
        break;
    default:
        put(w, i);
    }
}

/* Grows from nothing, through moves to larger segments, and shrinks to nothing, with all kinds of changes on the way. */
START_TEST(test_any_changes)
{
    static struct world w;
    world_init(&w);
    srand(1);
    for (int round = 0; round < 400; round++) {
        int most = round < 200 ? 10 + round * 15 : MANY;
        for (int k = rand() % 20; k >= 0; k--)
            change(&w, most);
        catalog_flush(w.c);
        if (round % 8 == 0)
            check(&w);
    }
    check(&w);
    for (int i = 0; i < MANY; i++) {
        if (w.there[i])
            drop(&w, i);
        catalog_flush(w.c);
        if (i % 300 == 0 || i > MANY - 80)
            check(&w);
    }
    catalog_free(w.c);
}
END_TEST

static void fill(struct world *w)
{
    for (int i = 0; i < MANY; i++)
        put(w, i);
    catalog_flush(w->c);
}

/* Nor does it take memory of the table: what a change frees is used again. */
START_TEST(test_changes_for_ever_do_not_grow)
{
    static struct world w;
    world_init(&w);
    srand(2);
    fill(&w);
    for (int i = 0; i < 20000; i++) {
        put(&w, rand() % MANY);
        ck_assert_uint_eq(catalog_flush(w.c), 1);
    }
    ck_assert_uint_le(table_writer_stats(catalog_table(w.c)).segment_words, 1 << 18);
    check(&w);
    catalog_free(w.c);
}
END_TEST

/* The same state again is no change: caches stay warm. */
START_TEST(test_the_same_again_is_no_change)
{
    static struct world w;
    uint32_t slot;
    world_init(&w);
    srand(4);
    fill(&w);
    const struct table *t = table_writer_table(catalog_table(w.c));
    ck_assert_int_eq(table_find(t, SERVICE, strlen(SERVICE), &slot), 0);
    uint64_t seq = table_slot_seq(t, slot);
    turn_host(&w, 3);
    turn_host(&w, 3);
    catalog_flush(w.c);
    ck_assert_uint_eq(table_slot_seq(t, slot), seq);
    check(&w);
    catalog_free(w.c);
}
END_TEST

/* Whether it is served, now. */
static bool is_served(const struct world *w, const struct table_view *v, int i)
{
    for (uint32_t k = 0; k < v->n_first; k++)
        if (table_view_endpoint(v, k)->id == instance_id(&w->key[i]))
            return true;
    return false;
}

static void check_meanwhile(struct world *w, int staying)
{
    struct table_view v;
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(table_writer_table(catalog_table(w->c)), SERVICE, strlen(SERVICE), &v), 0);
    for (int i = 0; i < staying; i++)
        ck_assert_msg(is_served(w, &v, i), "instance %d is missing", i);
    table_view_fini(&v);
}

/*
 * What takes long is written in pieces, while the table moves and other things change: in the end all is as it should be,
 * and at no time is anybody missing who only became another version of itself.
 */
START_TEST(test_written_in_pieces)
{
    enum { STAYING = 40 };
    static struct world w;
    world_init(&w);
    srand(7);
    unsigned long pieces = 0;
    for (int round = 0; round < 60; round++) {
        for (int k = 0; k < MANY; k++)
            round % 4 == 1 && k >= STAYING &&w.there[k] ? drop(&w, k) : put(&w, k);
        for (int k = 0; k < STAYING; k++) {
            w.record[k].counter = ++w.counter;
            w.record[k].state = DISCOVER_PASSING;
            ck_assert_int_eq(catalog_put(w.c, &w.key[k], &w.record[k]), 0);
        }
        for (int h = 1; h < HOSTS; h++)
            if (!w.alive[h])
                turn_host(&w, h);
        while (catalog_has_work(w.c)) {
            (void)catalog_flush_some(w.c, 1);
            if (++pieces % 16 == 0 && round > 0)
                check_meanwhile(&w, STAYING);
            if (rand() % 40 == 0)
                put(&w, STAYING + rand() % (MANY - STAYING));
            if (rand() % 90 == 0 && w.there[STAYING + pieces % 100])
                drop(&w, STAYING + (int)(pieces % 100));
        }
        check(&w);
    }
    ck_assert_uint_gt(pieces, 60 * 30);
    for (int i = 0; i < MANY; i++)
        if (w.there[i])
            drop(&w, i);
    catalog_flush(w.c);
    struct table_writer_stats left = table_writer_stats(catalog_table(w.c));
    ck_assert_uint_lt(left.heap_used_words, left.segment_words / 16 + 3000); /* but for what readers may still read */
    catalog_free(w.c);
}
END_TEST

/* Whoever goes on changing all of it gets it written as well, and what is written again meanwhile takes no more memory. */
START_TEST(test_pieces_come_to_an_end)
{
    static struct world w;
    world_init(&w);
    srand(8);
    fill(&w);
    struct table_writer_stats stats, filled = table_writer_stats(catalog_table(w.c));
    for (int i = 0; i < 2000; i++) {
        for (int k = 0; k < 30; k++)
            put(&w, rand() % MANY);
        (void)catalog_flush_some(w.c, 1);
        stats = table_writer_stats(catalog_table(w.c));
        ck_assert_uint_le(stats.heap_used_words, 2 * filled.heap_used_words);
    }
    ck_assert_uint_gt(stats.puts, filled.puts + 5);
    catalog_flush(w.c);
    check(&w);
    catalog_free(w.c);
}
END_TEST

/* How many pages were written with the block, and not ahead of it, if this piece wrote it. */
static size_t pages_at_once(struct world *w)
{
    uint64_t before = table_writer_stats(catalog_table(w->c)).puts;
    const struct service *s = w->c->services;
    size_t n = 0;
    (void)catalog_flush_some(w->c, 1);
    bool wrote = table_writer_stats(catalog_table(w->c)).puts != before && s->n > WHOLE_MAX && !s->dirty.queued;
    for (uint32_t k = 0; wrote && k < s->order.n; k++)
        n += w->c->pages[k].words != NULL;
    return n;
}

/* One that grows while it is written goes on in pieces: no turn writes a large part of it. */
START_TEST(test_pieces_of_what_grows)
{
    static struct world w;
    size_t most = 0;
    world_init_sized(&w, 1 << 20); /* it need not move */
    srand(9);
    for (int i = 0; i < MANY || catalog_has_work(w.c);) {
        for (int end = i + 35; i < end && i < MANY; i++)
            put(&w, i);
        size_t n = pages_at_once(&w);
        most = n > most ? n : most;
    }
    ck_assert_uint_le(most, 16);
    check(&w);
    catalog_free(w.c);
}
END_TEST

/* Of a tag that six in three thousand have, few pages are read, and all that have it are among them. */
START_TEST(test_pages_are_found_by_label)
{
    static struct world w;
    uint32_t slot;
    struct table_view v;
    world_init(&w);
    srand(5);
    fill(&w);
    const struct table *t = table_writer_table(catalog_table(w.c));
    ck_assert_int_eq(table_find(t, SERVICE, strlen(SERVICE), &slot), 0);
    table_view_init(&v);
    for (int tag = 0; tag < 500; tag += 7) {
        char text[16];
        snprintf(text, sizeof text, "t%d", tag);
        uint32_t pages = 0;
        const struct table_page_filter filter = {.labels = {table_label_hash(TABLE_LABEL_TAG, text, strlen(text))},
                                                 .n_labels = 1,
                                                 .enough = enough,
                                                 .arg = &pages};
        ck_assert_int_eq(table_view_read_some(t, slot, &filter, &v), 0);
        check_details(&w, &v);
        ck_assert_uint_lt(pages, 20);
        ck_assert_uint_eq(v.largest_weight, 100);
        uint32_t found = 0;
        for (uint32_t k = 0; k < v.n_total; k++) {
            const uint8_t *bytes;
            size_t n;
            struct entry e;
            ck_assert_int_eq(table_view_details(&v, k, &bytes, &n), 0);
            ck_assert_int_eq(entry_read(bytes, n, &e), 0);
            found += strcmp(e.tags[0], text) == 0;
        }
        ck_assert_uint_eq(found, MANY / 500);
    }
    table_view_fini(&v);
    catalog_free(w.c);
}
END_TEST

/* Another instance changes with each page that is read, so many times. */
struct overtaking {
    struct world *w;
    int changes, begun;
};

static bool overtake(void *arg, const struct table_view *v, uint32_t from)
{
    struct overtaking *o = arg;
    o->begun += from == 0;
    if (o->changes-- > 0) {
        put(o->w, rand() % MANY);
        catalog_flush(o->w->c);
    }
    return v->n_total < from;
}

/* A reader in the middle of a service that changes reads what was there when it began, and need not begin again. */
START_TEST(test_a_slow_reader_reads_one_state)
{
    static struct world w;
    static struct discover_endpoint want[MANY];
    struct table t;
    struct table_view v;
    uint32_t slot;
    world_init_sized(&w, 1 << 20); /* room enough: it stays in this segment for a while */
    srand(3);
    fill(&w);
    ck_assert_int_eq(table_map(table_writer_fd(catalog_table(w.c)), &t), 0);
    ck_assert_int_eq(table_find(&t, SERVICE, strlen(SERVICE), &slot), 0);
    uint32_t n = expected(&w, false, want);
    n += expected(&w, true, want + n);
    struct overtaking o = {&w, 3, 0};
    const struct table_page_filter filter = {.enough = overtake, .arg = &o};
    table_view_init(&v);
    ck_assert_int_eq(table_view_read_some(&t, slot, &filter, &v), 0);
    ck_assert_int_eq(o.begun, 1);
    ck_assert_uint_eq(v.n_total, n);
    ck_assert_mem_eq(table_view_endpoint(&v, 0), want, n * sizeof *want);
    /* Too fast for it, until the table moves and leaves it an old segment that changes no more: it begins again. */
    o = (struct overtaking){&w, 1000000, 0};
    int err = table_view_read_some(&t, slot, &filter, &v);
    ck_assert(err == 0 || err == -EBUSY);
    ck_assert_int_gt(o.begun, 1);
    table_view_fini(&v);
    table_unmap(&t);
    check(&w);
    catalog_free(w.c);
}
END_TEST

/* Conditions of look-ups are met by the same instances as in any service. */
START_TEST(test_selection)
{
    static struct world w;
    static struct discover_endpoint got[MANY];
    size_t n;
    world_init(&w);
    srand(7);
    fill(&w);
    const struct table *t = table_writer_table(catalog_table(w.c));
    for (int tag = 0; tag < 500; tag += 9) {
        struct table_filter f = {.n_tags = 1, .place = "eu-1", .by_protocol = true, .protocol = DISCOVER_TCP};
        size_t want = 0;
        snprintf(f.tags[0], sizeof f.tags[0], "t%d", tag);
        for (int i = tag; i < MANY; i += 500)
            want += usable(&w, i);
        ck_assert_int_eq(table_select(t, SERVICE, strlen(SERVICE), &f, NULL, got, MANY, &n), 0);
        ck_assert_uint_eq(n, want);
        f.protocol = DISCOVER_UDP;
        ck_assert_int_eq(table_select(t, SERVICE, strlen(SERVICE), &f, NULL, got, MANY, &n), 0);
        ck_assert_uint_eq(n, 0);
        f = (struct table_filter){.n_tags = 2, .tags = {"t1", "t2"}}; /* no instance has both */
        ck_assert_int_eq(table_select(t, SERVICE, strlen(SERVICE), &f, NULL, got, MANY, &n), 0);
        ck_assert_uint_eq(n, 0);
    }
    catalog_free(w.c);
}
END_TEST

UNIT_TESTS("large_service", test_any_changes, test_changes_for_ever_do_not_grow, test_a_slow_reader_reads_one_state,
           test_the_same_again_is_no_change, test_written_in_pieces, test_pieces_come_to_an_end,
           test_pieces_of_what_grows, test_pages_are_found_by_label, test_selection)
