/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the shared table; the protocol is described in table_format.h. */
#include "daemon/catalog/table_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/catalog/table_put.h"
#include "libdiscover/core/table_block.h"

#define SEGMENT_WORDS_MIN 8192

struct table_writer {
    struct segment seg;
    int spare_fd;   /* for the next segment, which must not fail for want of a descriptor; or a negative errno */
    int move_error; /* of the last move, if it failed: no other is tried before table_writer_again */
    table_moved_fn *moved;
    void *moved_arg;
    struct table_writer_stats stats;
    uint64_t *directory; /* where those of paged services are put together */
    size_t directory_cap;
};

int table_writer_new(uint64_t words, table_moved_fn *moved, void *arg, struct table_writer **ret_w)
{
    struct table_writer *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    int err = segment_init(&w->seg, segment_memfd(), words < SEGMENT_WORDS_MIN ? SEGMENT_WORDS_MIN : words);
    if (err) {
        free(w);
        return err;
    }
    w->spare_fd = segment_memfd();
    w->moved = moved;
    w->moved_arg = arg;
    *ret_w = w;
    return 0;
}

void table_writer_free(struct table_writer *w)
{
    if (!w)
        return;
    table_store(&w->seg.words[TABLE_H_ABANDONED], 1);
    segment_fini(&w->seg);
    if (w->spare_fd >= 0)
        close(w->spare_fd);
    free(w->directory);
    free(w);
}

int table_writer_fd(const struct table_writer *w)
{
    return w->seg.fd;
}

const struct table *table_writer_table(const struct table_writer *w)
{
    return &w->seg.table;
}

/* Makes room for the directory of so many pages. */
static int reserve_directory(struct table_writer *w, size_t n_pages)
{
    size_t words = TABLE_DIRECTORY_WORDS + n_pages;
    if (words <= w->directory_cap)
        return 0;
    uint64_t *directory = realloc(w->directory, 2 * words * sizeof *directory);
    if (!directory)
        return -ENOMEM;
    w->directory = directory;
    w->directory_cap = 2 * words;
    return 0;
}

struct copying {
    struct table_writer *w;
    struct segment *to;
};

static struct block_parts parts_of(const struct table_block *b)
{
    const uint64_t *words = (const uint64_t *)b->words;
    struct block_parts p = {words[TABLE_B_KIND], words[TABLE_B_COUNTS], {0}, b->body - TABLE_BLOCK_HEADER_WORDS,
                            words + b->body,     b->n_words - b->body};
    memcpy(p.key, words + TABLE_BLOCK_HEADER_WORDS, p.key_words * 8);
    return p;
}

static int copy_pages(struct copying *c, const struct table *t, const struct table_block *b)
{
    size_t n = 0, most = b->n_words - b->body - TABLE_DIRECTORY_WORDS;
    struct table_page_parts *parts = malloc(most * sizeof *parts);
    struct block_parts p = parts_of(b);
    struct table_pages pages;
    struct table_page page;
    int err = parts ? reserve_directory(c->w, most) : -ENOMEM;
    table_pages_begin(&pages, t, b);
    while (!err && table_pages_next(&pages, &page) > 0)
        parts[n++] = (struct table_page_parts){(const uint64_t *)page.words, page.n_words, TABLE_PAGE_NEW};
    if (!err)
        err = segment_put_pages(c->to, &p, c->w->directory, p.body[TABLE_D_WEIGHT], parts, n);
    free(parts);
    return err;
}

/* Straight from the writer's own words, which nobody changes meanwhile. */
static int copy_block(const struct table *t, const struct table_block *b, void *arg)
{
    struct copying *c = arg;
    if (b->paged)
        return copy_pages(c, t, b);
    const struct block_parts p = parts_of(b);
    return segment_put(c->to, &p);
}

/* Copies every key into a fresh segment. */
static int segment_copy(struct table_writer *w, struct segment *to)
{
    const struct segment *from = &w->seg;
    struct copying c = {w, to};
    int err = 0;
    for (uint32_t slot = 0; slot < from->slots_used && err >= 0; slot++) {
        err = table_block_read(&from->table, slot, copy_block, &c);
        if (err == -ENOENT)
            err = 0;
    }
    for (int h = TABLE_H_SYNC; h <= TABLE_H_SERIAL; h++)
        table_store(&to->words[h], table_load(&from->words[h]));
    return err < 0 ? err : 0;
}

/* The new segment is whole before the old one is marked: a reader always has one of the two to read. */
static int move(struct table_writer *w, uint64_t words)
{
    struct segment next;
    int err = segment_init(&next, w->spare_fd >= 0 ? w->spare_fd : segment_memfd(), words);
    w->spare_fd = -EMFILE;
    if (!err && (err = segment_copy(w, &next)) < 0)
        segment_fini(&next);
    if (err) {
        w->spare_fd = segment_memfd();
        return err;
    }
    struct segment old = w->seg;
    w->seg = next;
    w->stats.moves++;
    if (w->moved)
        w->moved(w->moved_arg, next.fd);
    table_store(&old.words[TABLE_H_ABANDONED], 1);
    segment_fini(&old);
    w->spare_fd = segment_memfd(); /* of the descriptor that has just become free */
    return 0;
}

/* Full of what was removed: a segment of the same size has room again. */
static uint64_t next_size(const struct segment *seg)
{
    uint64_t words = seg->table.n_words, keys = seg->slots_used - seg->n_free_slots;
    bool crowded = heap_used(&seg->heap) > words / 2 || keys > seg->table.slot_count / 2;
    return crowded ? words * 2 : words;
}

/* A put, to be tried again in a larger segment. */
struct put {
    struct block_parts parts;
    uint64_t largest_weight;
    const struct table_page_parts *pages; /* NULL: none, a whole block */
    size_t n_pages;
};

static int try_put(struct table_writer *w, struct put *put)
{
    if (!put->pages)
        return segment_put(&w->seg, &put->parts);
    return segment_put_pages(&w->seg, &put->parts, w->directory, put->largest_weight, put->pages, put->n_pages);
}

/* Fewer usable ones than there are under the key: what is gone, or not to be used, must not wait for memory. */
static bool takes_away(const struct table_writer *w, const struct put *put)
{
    uint32_t slot;
    if (table_find(&w->seg.table, (const char *)put->parts.key, put->parts.kind >> 8, &slot) < 0)
        return false;
    uint64_t counts = segment_words(&w->seg, segment_ref(&w->seg, slot))[TABLE_B_COUNTS];
    return (uint32_t)put->parts.counts < (uint32_t)counts;
}

static int put_from_reserve(struct table_writer *w, struct put *put)
{
    segment_open_reserve(&w->seg, true);
    int err = try_put(w, put);
    segment_open_reserve(&w->seg, false);
    return err;
}

/* To a segment that has room for the put. */
static int move_for(struct table_writer *w, struct put *put)
{
    int err = -ENOSPC;
    for (uint64_t words = next_size(&w->seg); err == -ENOSPC && !w->move_error; words *= 2) {
        int moved = move(w, words);
        if (moved == 0)
            err = try_put(w, put);
        else if (moved != -ENOSPC)
            w->move_error = moved;
    }
    return err == -ENOSPC ? w->move_error : err;
}

static int put_or_move(struct table_writer *w, struct put *put)
{
    int err = try_put(w, put);
    if (err == -ENOSPC)
        err = move_for(w, put);
    if (err < 0 && err == w->move_error && takes_away(w, put) && put_from_reserve(w, put) >= 0)
        err = 1;
    w->stats.puts += err == 1;
    return err;
}

static struct block_parts make_parts(enum table_kind kind, const char *key, size_t key_bytes, uint32_t n_first,
                                     uint32_t n_total)
{
    struct block_parts p = {.kind = key_bytes << 8 | (uint64_t)kind,
                            .counts = (uint64_t)n_total << 32 | n_first,
                            .key_words = (key_bytes + 7) / 8};
    memcpy(p.key, key, key_bytes);
    return p;
}

int table_writer_put(struct table_writer *w, enum table_kind kind, const char *key, size_t key_bytes, uint32_t n_first,
                     uint32_t n_total, const uint64_t *body, size_t body_words)
{
    if (key_bytes == 0 || key_bytes > TABLE_KEY_MAX)
        return -EINVAL;
    struct put put = {.parts = make_parts(kind, key, key_bytes, n_first, n_total)};
    put.parts.body = body;
    put.parts.body_words = body_words;
    return block_parts_words(&put.parts) > TABLE_BLOCK_WORDS_MAX ? -EMSGSIZE : put_or_move(w, &put);
}

int table_writer_put_pages(struct table_writer *w, const char *key, size_t key_bytes, uint32_t n_first,
                           uint32_t n_total, uint32_t largest_weight, const struct table_page_parts *pages,
                           size_t n_pages)
{
    if (key_bytes == 0 || key_bytes > TABLE_KEY_MAX)
        return -EINVAL;
    if (n_pages > TABLE_BLOCK_WORDS_MAX / 2)
        return -EMSGSIZE;
    struct put put = {make_parts(TABLE_SERVICE, key, key_bytes, n_first, n_total), largest_weight, pages, n_pages};
    int err = reserve_directory(w, n_pages);
    return err ? err : put_or_move(w, &put);
}

void table_writer_reserve(struct table_writer *w, uint64_t words)
{
    uint64_t size = w->seg.table.n_words;
    while (size < words)
        size *= 2;
    if (size > w->seg.table.n_words)
        (void)move(w, size); /* without it the table grows step by step */
}

void table_writer_again(struct table_writer *w)
{
    w->move_error = 0;
}

void table_writer_remove(struct table_writer *w, const char *key, size_t key_bytes)
{
    segment_remove(&w->seg, key, key_bytes);
}

void table_writer_set_sync(struct table_writer *w, enum table_sync sync, int64_t stale_since_ns)
{
    table_store(&w->seg.words[TABLE_H_STALE_SINCE], (uint64_t)stale_since_ns);
    table_store(&w->seg.words[TABLE_H_SYNC], sync);
}

void table_writer_alive(struct table_writer *w, int64_t now_ns)
{
    table_store(&w->seg.words[TABLE_H_ALIVE], (uint64_t)now_ns);
}

void table_writer_advance_serial(struct table_writer *w, uint32_t serial)
{
    table_word *word = &w->seg.words[TABLE_H_SERIAL];
    uint32_t present = (uint32_t)table_load(word);
    if (present == 0 || (int32_t)(serial - present) > 0)
        table_store(word, serial);
}

void table_writer_bump_serial(struct table_writer *w)
{
    table_store(&w->seg.words[TABLE_H_SERIAL], table_load(&w->seg.words[TABLE_H_SERIAL]) + 1);
}

struct table_writer_stats table_writer_stats(const struct table_writer *w)
{
    struct table_writer_stats stats = w->stats;
    stats.segment_words = w->seg.table.n_words;
    stats.heap_used_words = heap_used(&w->seg.heap);
    stats.keys = w->seg.slots_used - w->seg.n_free_slots;
    return stats;
}
