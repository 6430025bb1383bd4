/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the shared table; the protocol is described in table_format.h. */
#include "daemon/catalog/table_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/catalog/table_move.h"
#include "daemon/catalog/table_put.h"

#define SEGMENT_WORDS_MIN 8192

/* A segment has a quarter left when a move begins, and three quarters are moved at most: more than three for one. */
#define MOVED_PER_WORD 4
#define MOVED_PER_PUT  64

#define MOVED_WHEN_IDLE 4096      /* takes some 10 us */
#define MOVED_AT_ONCE   (1 << 15) /* less than this is not worth the pieces */

struct table_writer {
    struct segment seg;
    int spare_fd;   /* for the next segment, which must not fail for want of a descriptor; or a negative errno */
    int move_error; /* of the last move, if it failed: no other is tried before table_writer_again */
    struct table_move move;
    uint64_t first_words;
    uint64_t seed; /* of the segments to come */
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
    w->first_words = words < SEGMENT_WORDS_MIN ? SEGMENT_WORDS_MIN : words;
    int err = segment_init(&w->seg, segment_memfd(), w->first_words, 0);
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
    table_move_cancel(&w->move);
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

/* The smallest segment, doubled as often as needed, that what there is leaves half empty. */
static uint64_t size_for(const struct table_writer *w)
{
    uint64_t words = w->first_words, keys = w->seg.slots_used - w->seg.n_free_slots;
    while (w->seg.heap.used > words / 2 || keys > segment_slots_for(words) / 2)
        words *= 2;
    return words;
}

static int begin_move(struct table_writer *w, uint64_t words)
{
    int err = table_move_begin(&w->move, w->spare_fd >= 0 ? w->spare_fd : segment_memfd(), words, w->seed);
    w->spare_fd = err ? segment_memfd() : -EMFILE;
    return err;
}

static void cancel_move(struct table_writer *w)
{
    table_move_cancel(&w->move);
    if (w->spare_fd < 0)
        w->spare_fd = segment_memfd();
}

/* The new segment is whole before the old one is marked: a reader always has one of the two to read. */
static void finish_move(struct table_writer *w)
{
    struct segment old = w->seg;
    for (int h = TABLE_H_SYNC; h <= TABLE_H_SERIAL; h++)
        table_store(&w->move.to.words[h], table_load(&old.words[h]));
    w->seg = w->move.to;
    w->move.on = false;
    w->stats.moves++;
    if (w->moved)
        w->moved(w->moved_arg, w->seg.fd);
    table_store(&old.words[TABLE_H_ABANDONED], 1);
    segment_fini(&old);
    w->spare_fd = segment_memfd(); /* the descriptor of the old segment has just become free */
}

/*
 * Whoever may register could fill one place of the index with names that he has tried out: the next segment is hashed with a
 * seed that nobody knew. Until that happens there is none, and libraries of version 2 read the table.
 */
static int part_names(struct table_writer *w, int err)
{
    if (err != -ELOOP)
        return err;
    if (getrandom(&w->seed, sizeof w->seed, 0) != (ssize_t)sizeof w->seed || w->seed == 0)
        w->seed = (uint64_t)(uintptr_t)w | 1;
    return -ENOSPC;
}

static int move_some(struct table_writer *w, uint64_t words)
{
    int done = part_names(w, table_move_some(&w->move, &w->seg, words));
    if (done < 0)
        cancel_move(w);
    else if (done)
        finish_move(w);
    return done;
}

/* Moves the whole table to a segment of that size at once. */
static int move(struct table_writer *w, uint64_t words)
{
    cancel_move(w);
    int err = begin_move(w, words);
    if (!err)
        err = move_some(w, UINT64_MAX);
    return err < 0 ? err : 0;
}

/* A put, to be tried again in a larger segment. */
struct put {
    struct block_parts parts;
    bool staged; /* some of its pages lie in the present one */
    uint64_t largest_weight;
    const struct table_page_parts *pages; /* NULL: none, a whole block */
    size_t n_parts;
};

static int try_put(struct table_writer *w, struct segment *seg, struct put *put)
{
    int err = put->pages
                  ? segment_put_pages(seg, &put->parts, w->directory, put->largest_weight, put->pages, put->n_parts)
                  : segment_put(seg, &put->parts);
    return part_names(w, err);
}

/* What the index, the slots or the heap have left is less than a quarter. */
static bool is_filling(const struct segment *seg)
{
    uint64_t slots = seg->table.slot_count;
    return seg->heap.end - seg->heap.next < seg->table.n_words / 4 ||
           slots - seg->slots_used + seg->n_free_slots < slots / 4 || seg->index_used > seg->table.index_mask / 8 * 5;
}

/*
 * Puts a block into the segment that is being filled as well. Where pages of it were staged, which lie in the present
 * segment alone, it is copied from there again, later and in pieces.
 */
static void put_there_too(struct table_writer *w, struct put *put)
{
    uint32_t slot;
    const char *key = block_parts_key(&put->parts);
    size_t key_bytes = block_parts_key_bytes(&put->parts);
    bool found = table_find(&w->seg.table, key, key_bytes, &slot) == 0;
    if (!found || !table_move_has(&w->move, slot))
        return;
    int err = put->staged ? table_move_again(&w->move, slot, key, key_bytes) : try_put(w, &w->move.to, put);
    if (err < 0)
        cancel_move(w);
}

/*
 * So many words were taken: for each of them some are moved, so that the new segment is whole before the old one
 * is full, however quickly puts come.
 */
static void keep_ahead(struct table_writer *w, uint64_t words)
{
    if (!w->move.on && is_filling(&w->seg) && !w->move_error)
        w->move_error = begin_move(w, size_for(w));
    if (w->move.on)
        (void)move_some(w, MOVED_PER_PUT + MOVED_PER_WORD * words);
}

/* Fewer usable ones than there are under the key: what is gone, or not to be used, must not wait for memory. */
static bool takes_away(const struct table_writer *w, const struct put *put)
{
    uint32_t slot;
    if (table_find(&w->seg.table, block_parts_key(&put->parts), block_parts_key_bytes(&put->parts), &slot) < 0)
        return false;
    uint64_t counts = segment_words(&w->seg, segment_ref(&w->seg, slot))[TABLE_B_COUNTS];
    return (uint32_t)put->parts.counts < (uint32_t)counts;
}

static int put_from_reserve(struct table_writer *w, struct put *put)
{
    segment_open_reserve(&w->seg, true);
    int err = try_put(w, &w->seg, put);
    segment_open_reserve(&w->seg, false);
    return err;
}

/* Moves at once to a segment that has room for the put: there was no time to do it in pieces. */
static int move_for(struct table_writer *w, struct put *put)
{
    int err = -ENOSPC;
    if (w->move.on && move_some(w, UINT64_MAX) > 0)
        err = try_put(w, &w->seg, put);
    for (uint64_t words = size_for(w); err == -ENOSPC && !w->move_error; words *= 2) {
        int moved = move(w, words);
        if (moved == 0)
            err = try_put(w, &w->seg, put);
        else if (moved != -ENOSPC)
            w->move_error = moved;
    }
    return err == -ENOSPC ? w->move_error : err;
}

static int put_or_move(struct table_writer *w, struct put *put)
{
    uint64_t next = w->seg.heap.next;
    int err = try_put(w, &w->seg, put);
    if (err == 1 && w->move.on)
        put_there_too(w, put);
    if (err == 1)
        keep_ahead(w, w->seg.heap.next - next);
    if (err == -ENOSPC && put->staged)
        return err;
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
                           uint32_t n_total, uint32_t largest_weight, const struct table_page_parts *parts,
                           size_t n_parts)
{
    size_t n_pages = 0;
    if (key_bytes == 0 || key_bytes > TABLE_KEY_MAX)
        return -EINVAL;
    struct put put = {.parts = make_parts(TABLE_SERVICE, key, key_bytes, n_first, n_total),
                      .largest_weight = largest_weight,
                      .pages = parts,
                      .n_parts = n_parts};
    for (size_t k = 0; k < n_parts; k++) {
        put.staged |= parts[k].staged != 0;
        n_pages += table_page_count(&parts[k]);
    }
    if (n_pages > TABLE_BLOCK_WORDS_MAX / 2)
        return -EMSGSIZE;
    int err = reserve_directory(w, n_pages);
    return err ? err : put_or_move(w, &put);
}

int table_writer_stage(struct table_writer *w, const char *key, size_t key_bytes, const struct table_page_parts *page,
                       uint64_t *ret_staged)
{
    uint64_t next = w->seg.heap.next;
    if (segment_has_page(&w->seg, key, key_bytes, page))
        return 0;
    int err = segment_put_page(&w->seg, page->words, page->n_words, ret_staged);
    if (!err)
        keep_ahead(w, w->seg.heap.next - next);
    return err ? err : 1;
}

void table_writer_unstage(struct table_writer *w, uint64_t staged)
{
    segment_give(&w->seg, staged);
}

uint64_t table_writer_generation(const struct table_writer *w)
{
    return w->stats.moves;
}

void table_writer_reserve(struct table_writer *w, uint64_t words)
{
    uint64_t size = w->first_words, present = w->move.on ? w->move.to.table.n_words : w->seg.table.n_words;
    while (size < words)
        size *= 2;
    if (size <= present)
        return;
    cancel_move(w);
    if (begin_move(w, size) == 0 && w->seg.heap.used < MOVED_AT_ONCE)
        (void)move_some(w, UINT64_MAX); /* without it the table grows step by step */
}

void table_writer_trim(struct table_writer *w)
{
    uint64_t words = w->seg.table.n_words, was_used = w->seg.heap.next;
    if (!w->move.on && !w->move_error && was_used > words / 4 && size_for(w) <= words / 8)
        (void)begin_move(w, size_for(w));
}

bool table_writer_is_moving(const struct table_writer *w)
{
    return w->move.on;
}

void table_writer_move_some(struct table_writer *w)
{
    if (w->move.on)
        (void)move_some(w, MOVED_WHEN_IDLE);
}

void table_writer_again(struct table_writer *w)
{
    w->move_error = 0;
}

void table_writer_remove(struct table_writer *w, const char *key, size_t key_bytes)
{
    segment_remove(&w->seg, key, key_bytes);
    if (w->move.on)
        segment_remove(&w->move.to, key, key_bytes);
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
    stats.heap_used_words = w->seg.heap.used;
    stats.keys = w->seg.slots_used - w->seg.n_free_slots;
    return stats;
}
