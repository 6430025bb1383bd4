/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the shared table; the protocol is described in table_format.h. */
#include "daemon/catalog/table_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/catalog/heap.h"

/* Of a segment, one part in this many is index and slots: services are large compared to their slot. */
#define INDEX_SHARE       32
#define SEGMENT_WORDS_MIN 8192

/*
 * Readers that have just loaded a reference and are then not scheduled find the sequence changed when they go on,
 * so memory may be used again at once; nothing waits for anybody.
 */
struct segment {
    table_word *words;
    int fd;
    struct table table; /* for readers in this process, and for finding slots */
    struct heap heap;
    uint64_t index_used; /* words of the index that are not 0 */
    uint64_t slots_used;
    uint32_t *free_slots;
    uint64_t n_free_slots;
};

struct table_writer {
    struct segment seg;
    table_moved_fn *moved;
    void *moved_arg;
    struct table_writer_stats stats;
};

static void segment_fini(struct segment *seg)
{
    if (seg->words)
        munmap(seg->words, seg->table.n_words * 8);
    if (seg->fd >= 0)
        close(seg->fd);
    free(seg->free_slots);
    heap_fini(&seg->heap);
}

/* Sealed after the writer has mapped it: from then on nobody can get a writable mapping, or shrink it under us. */
static int segment_memory(struct segment *seg, uint64_t words)
{
    seg->fd = memfd_create("discoverd-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (seg->fd < 0)
        return -errno;
    if (ftruncate(seg->fd, (off_t)(words * 8)) < 0)
        return -errno;
    void *memory = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, seg->fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    seg->words = memory;
    seg->table.n_words = words;
    if (fcntl(seg->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    return 0;
}

static uint64_t power_of_two_below(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n));
}

static void segment_layout(struct segment *seg, uint64_t words)
{
    uint64_t index_words = power_of_two_below(words / INDEX_SHARE);
    uint64_t slot_count = index_words / 2; /* so the index never gets fuller than half */
    uint64_t slots = TABLE_HEADER_WORDS + index_words;
    uint64_t heap = slots + slot_count * TABLE_SLOT_WORDS;
    table_word *h = seg->words;
    table_store(&h[TABLE_H_VERSION], TABLE_VERSION);
    table_store(&h[TABLE_H_WORDS], words);
    table_store(&h[TABLE_H_INDEX], TABLE_HEADER_WORDS);
    table_store(&h[TABLE_H_INDEX_WORDS], index_words);
    table_store(&h[TABLE_H_SLOTS], slots);
    table_store(&h[TABLE_H_SLOT_COUNT], slot_count);
    table_store(&h[TABLE_H_HEAP], heap);
    table_store(&h[TABLE_H_MAGIC], TABLE_MAGIC);
    heap_init(&seg->heap, heap, words);
}

static int segment_init(struct segment *seg, uint64_t words)
{
    *seg = (struct segment){.fd = -1};
    int err = segment_memory(seg, words);
    if (!err) {
        segment_layout(seg, words);
        err = table_attach(seg->words, words, &seg->table);
    }
    if (!err) {
        seg->free_slots = malloc(seg->table.slot_count * sizeof *seg->free_slots);
        err = seg->free_slots ? 0 : -ENOMEM;
    }
    if (err)
        segment_fini(seg);
    return err;
}

int table_writer_new(uint64_t words, table_moved_fn *moved, void *arg, struct table_writer **ret_w)
{
    struct table_writer *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    int err = segment_init(&w->seg, words < SEGMENT_WORDS_MIN ? SEGMENT_WORDS_MIN : words);
    if (err) {
        free(w);
        return err;
    }
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

/* Gives a key a slot. -ENOSPC when index or slots are used up. */
static int slot_insert(struct segment *seg, uint64_t hash, uint32_t *ret_slot)
{
    table_word *index = seg->words + seg->table.index;
    uint64_t mask = seg->table.index_mask, at = hash & mask, probes = 0;
    for (; (uint32_t)table_load(&index[at]) != 0; at = (at + 1) & mask)
        if (++probes >= TABLE_PROBES_MAX)
            return -ENOSPC;
    bool fresh = table_load(&index[at]) == 0; /* else the tombstone of a removed key, which no search ends at */
    if (fresh && seg->index_used > mask / 4 * 3)
        return -ENOSPC;
    uint32_t slot;
    if (seg->n_free_slots) {
        slot = seg->free_slots[--seg->n_free_slots];
    } else {
        if (seg->slots_used == seg->table.slot_count)
            return -ENOSPC;
        slot = (uint32_t)seg->slots_used++;
        table_store(&seg->words[TABLE_H_SLOTS_USED], seg->slots_used);
    }
    seg->index_used += fresh;
    table_store(&seg->words[seg->table.slots + (uint64_t)slot * TABLE_SLOT_WORDS + TABLE_S_HASH], hash);
    table_store(&index[at], (hash >> 32 << 32) | (slot + 1));
    *ret_slot = slot;
    return 0;
}

static table_word *slot_words(struct segment *seg, uint32_t slot)
{
    return seg->words + seg->table.slots + (uint64_t)slot * TABLE_SLOT_WORDS;
}

/* Makes ref what is under the slot, and returns what was. */
static uint64_t slot_publish(struct segment *seg, uint32_t slot, uint64_t ref)
{
    table_word *s = slot_words(seg, slot);
    uint64_t seq = table_load(&s[TABLE_S_SEQ]);
    uint64_t old = table_load(&s[seq & 1 ? TABLE_S_REF1 : TABLE_S_REF0]);
    table_store(&s[seq & 1 ? TABLE_S_REF0 : TABLE_S_REF1], ref);
    table_store(&s[TABLE_S_SEQ], seq + 1);
    return old;
}

static void heap_give_ref(struct segment *seg, uint64_t ref)
{
    if (table_ref_words(ref))
        heap_give(&seg->heap, table_ref_offset(ref), table_ref_words(ref));
}

/* A block's parts, before it has a place. */
struct block_parts {
    uint64_t kind, counts;
    uint64_t key[TABLE_KEY_MAX / 8];
    uint64_t key_words;
    const uint64_t *body;
    uint64_t body_words;
};

static uint64_t parts_words(const struct block_parts *p)
{
    return TABLE_BLOCK_HEADER_WORDS + p->key_words + p->body_words;
}

static void store_words(table_word *to, const uint64_t *from, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        table_store(&to[i], from[i]);
}

static int block_write(struct segment *seg, const struct block_parts *p, uint64_t *ret_ref)
{
    uint64_t offset, n = parts_words(p);
    if (heap_take(&seg->heap, n, &offset) < 0)
        return -ENOSPC;
    table_word *at = seg->words + offset;
    table_store(&at[TABLE_B_KIND], p->kind);
    table_store(&at[TABLE_B_COUNTS], p->counts);
    store_words(at + TABLE_BLOCK_HEADER_WORDS, p->key, p->key_words);
    store_words(at + TABLE_BLOCK_HEADER_WORDS + p->key_words, p->body, p->body_words);
    *ret_ref = table_ref(offset, n);
    return 0;
}

/* Whether a slot has these very parts; the writer reads its own words as they are. */
static bool slot_holds(struct segment *seg, uint32_t slot, const struct block_parts *p)
{
    const table_word *s = slot_words(seg, slot);
    uint64_t ref = table_load(&s[table_load(&s[TABLE_S_SEQ]) & 1 ? TABLE_S_REF1 : TABLE_S_REF0]);
    const uint64_t *at = (const uint64_t *)(seg->words + table_ref_offset(ref));
    return table_ref_words(ref) == parts_words(p) && at[TABLE_B_KIND] == p->kind && at[TABLE_B_COUNTS] == p->counts &&
           memcmp(at + TABLE_BLOCK_HEADER_WORDS + p->key_words, p->body, p->body_words * 8) == 0;
}

/* The block first, the slot last: a new key is never found without its block. */
static int segment_put(struct segment *seg, const struct block_parts *p, const char *key, size_t key_bytes)
{
    uint64_t ref;
    uint32_t slot;
    bool known = table_find(&seg->table, key, key_bytes, &slot) == 0;
    if (known && slot_holds(seg, slot, p))
        return 0;
    int err = block_write(seg, p, &ref);
    if (!err && !known) {
        err = slot_insert(seg, table_hash(key, key_bytes), &slot);
        if (err)
            heap_give_ref(seg, ref);
    }
    if (err)
        return err;
    heap_give_ref(seg, slot_publish(seg, slot, ref));
    return 1;
}

/* Copies every key into a fresh segment. */
static int segment_copy(struct segment *to, const struct segment *from)
{
    struct table_view v;
    int err = 0;
    table_view_init(&v);
    for (uint32_t slot = 0; slot < from->slots_used && !err; slot++) {
        err = table_view_read(&from->table, slot, &v);
        if (err == -ENOENT) {
            err = 0;
            continue;
        }
        if (err)
            break;
        struct block_parts p = {v.words[TABLE_B_KIND], v.words[TABLE_B_COUNTS], {0}, v.body - TABLE_BLOCK_HEADER_WORDS,
                                v.words + v.body,      v.n_words - v.body};
        memcpy(p.key, v.words + TABLE_BLOCK_HEADER_WORDS, p.key_words * 8);
        int put = segment_put(to, &p, table_view_key(&v), v.key_bytes);
        err = put < 0 ? put : 0;
    }
    table_view_fini(&v);
    for (int h = TABLE_H_SYNC; h <= TABLE_H_SERIAL; h++)
        table_store(&to->words[h], table_load(&from->words[h]));
    return err;
}

/* The new segment is whole before the old one is marked: a reader always has one of the two to read. */
static int move(struct table_writer *w, uint64_t words)
{
    struct segment next;
    int err = segment_init(&next, words);
    if (err)
        return err;
    err = segment_copy(&next, &w->seg);
    if (err) {
        segment_fini(&next);
        return err;
    }
    struct segment old = w->seg;
    w->seg = next;
    w->stats.moves++;
    if (w->moved)
        w->moved(w->moved_arg, next.fd);
    table_store(&old.words[TABLE_H_ABANDONED], 1);
    segment_fini(&old);
    return 0;
}

/* Full of what was removed: a segment of the same size has room again. */
static uint64_t next_size(const struct segment *seg)
{
    uint64_t words = seg->table.n_words, keys = seg->slots_used - seg->n_free_slots;
    bool crowded = heap_used(&seg->heap) > words / 2 || keys > seg->table.slot_count / 2;
    return crowded ? words * 2 : words;
}

int table_writer_put(struct table_writer *w, enum table_kind kind, const char *key, size_t key_bytes, uint32_t n_first,
                     uint32_t n_total, const uint64_t *body, size_t body_words)
{
    struct block_parts p = {
        key_bytes << 8 | (uint64_t)kind, (uint64_t)n_total << 32 | n_first, {0}, (key_bytes + 7) / 8, body, body_words};
    if (key_bytes == 0 || key_bytes > TABLE_KEY_MAX)
        return -EINVAL;
    if (parts_words(&p) > TABLE_BLOCK_WORDS_MAX)
        return -EMSGSIZE;
    memcpy(p.key, key, key_bytes);
    int err = segment_put(&w->seg, &p, key, key_bytes);
    for (uint64_t words = next_size(&w->seg); err == -ENOSPC; words *= 2) {
        int moved = move(w, words);
        if (moved == -ENOSPC)
            continue;
        if (moved < 0)
            return -ENOMEM;
        err = segment_put(&w->seg, &p, key, key_bytes);
    }
    w->stats.puts += err == 1;
    return err;
}

/* Where in the index a slot is; -ENOENT. Bounded by the probes an insert may take. */
static int index_position(const struct segment *seg, uint64_t hash, uint32_t slot, uint64_t *ret_at)
{
    for (uint64_t i = 0; i < TABLE_PROBES_MAX; i++) {
        uint64_t at = (hash + i) & seg->table.index_mask;
        if ((uint32_t)table_load(&seg->words[seg->table.index + at]) == slot + 1) {
            *ret_at = at;
            return 0;
        }
    }
    return -ENOENT;
}

/*
 * A tombstone keeps searches going. Where the next word ends them anyway it is not needed, nor are those before
 * it: without this, names that come and go would fill the index.
 */
static void index_clear(struct segment *seg, uint64_t at)
{
    table_word *index = seg->words + seg->table.index;
    uint64_t mask = seg->table.index_mask;
    table_store(&index[at], TABLE_TOMBSTONE);
    if (table_load(&index[(at + 1) & mask]) != 0)
        return;
    for (; table_load(&index[at]) == TABLE_TOMBSTONE; at = (at - 1) & mask) {
        table_store(&index[at], 0);
        seg->index_used--;
    }
}

void table_writer_remove(struct table_writer *w, const char *key, size_t key_bytes)
{
    struct segment *seg = &w->seg;
    uint32_t slot;
    if (table_find(&seg->table, key, key_bytes, &slot) < 0)
        return;
    uint64_t at;
    if (index_position(seg, table_hash(key, key_bytes), slot, &at) == 0)
        index_clear(seg, at);
    heap_give_ref(seg, slot_publish(seg, slot, 0));
    seg->free_slots[seg->n_free_slots++] = slot;
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
