/* SPDX-License-Identifier: Apache-2.0 */
/* One segment of the shared table. */
#include "daemon/catalog/table_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/thread.h"

/* Of a segment, one part in this many is index and slots: services are large compared to their slot. */
#define INDEX_SHARE 32

/*
 * In a large segment a smaller share is enough. An index larger than needed costs real memory: its keys are scattered,
 * so nearly each touches a page of memory of its own.
 */
#define LARGE_WORDS       (UINT64_C(1) << 23)
#define LARGE_INDEX_SHARE 256

/* One part in this many is held back. */
#define RESERVE_SHARE 32

/*
 * In an index that is filled to less than one part in this many, so many keys at one place are no accident: their
 * names were made for it.
 */
#define CROWDED_SHARE 2

/* Of a segment, at most one part in this many is retired, and never more than 4 MB: some hundred changes. */
#define RETIRED_SHARE     16
#define RETIRED_WORDS_MAX (UINT64_C(1) << 19)

/* Giving memory back takes 0.1 ms a MiB: of more than this it is not the main thread that does. */
#define LARGE_BYTES (4 << 20)

/*
 * The first touch of a page is a trap, which on a virtual machine costs more than all that is written there. In pieces of this
 * size, which whole pages of any machine make up, an eighth.
 */
#define AHEAD_WORDS (UINT64_C(1) << 13)

struct memory {
    void *words;
    size_t bytes;
};

static void *unmap(void *arg)
{
    const struct memory *m = arg;
    munmap(m->words, m->bytes);
    free(arg);
    return NULL;
}

/* False: there is no thread to be had. */
static bool unmap_elsewhere(void *words, size_t bytes)
{
    pthread_t thread;
    sigset_t before;
    struct memory *m = malloc(sizeof *m);
    if (!m)
        return false;
    *m = (struct memory){words, bytes};
    thread_block_signals(&before);
    bool begun = pthread_create(&thread, NULL, unmap, m) == 0;
    thread_restore_signals(&before);
    if (begun)
        pthread_detach(thread);
    else
        free(m);
    return begun;
}

void segment_fini(struct segment *seg)
{
    size_t bytes = seg->table.n_words * 8;
    if (seg->fd >= 0)
        close(seg->fd);
    if (seg->words && (bytes < LARGE_BYTES || !unmap_elsewhere(seg->words, bytes)))
        munmap(seg->words, bytes);
    free(seg->free_slots);
    free(seg->retired);
    heap_fini(&seg->heap);
}

int segment_memfd(void)
{
    int fd = memfd_create("discoverd-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

/* Sealed after the writer has mapped it: from then on nobody can get a writable mapping, or shrink it under us. */
static int segment_memory(struct segment *seg, uint64_t words)
{
    if (ftruncate(seg->fd, (off_t)(words * 8)) < 0)
        return -errno;
    void *memory = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, seg->fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    (void)madvise(memory, words * 8, MADV_DONTDUMP); /* in a core it would be most of it, and help nobody */
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

static uint64_t index_words_for(uint64_t words)
{
    uint64_t most = power_of_two_below(words / INDEX_SHARE), enough = LARGE_WORDS / INDEX_SHARE;
    if (words <= LARGE_WORDS)
        return most;
    return words / LARGE_INDEX_SHARE > enough ? power_of_two_below(words / LARGE_INDEX_SHARE) : enough;
}

/* So the index never gets fuller than half. */
uint64_t segment_slots_for(uint64_t words)
{
    return index_words_for(words) / 2;
}

static void segment_layout(struct segment *seg, uint64_t words, uint64_t seed)
{
    uint64_t index_words = index_words_for(words), slot_count = segment_slots_for(words);
    uint64_t slots = TABLE_HEADER_WORDS + index_words;
    uint64_t heap = slots + slot_count * TABLE_SLOT_WORDS;
    table_word *h = seg->words;
    table_store(&h[TABLE_H_VERSION], seed ? TABLE_VERSION_SEEDED : TABLE_VERSION);
    table_store(&h[TABLE_H_SEED], seed);
    table_store(&h[TABLE_H_WORDS], words);
    table_store(&h[TABLE_H_INDEX], TABLE_HEADER_WORDS);
    table_store(&h[TABLE_H_INDEX_WORDS], index_words);
    table_store(&h[TABLE_H_SLOTS], slots);
    table_store(&h[TABLE_H_SLOT_COUNT], slot_count);
    table_store(&h[TABLE_H_HEAP], heap);
    table_store(&h[TABLE_H_MAGIC], TABLE_MAGIC);
    heap_init(&seg->heap, heap, words);
}

/* Words that are used one behind the other, up to next by now. Where the kernel cannot, the pages come by their traps. */
static void ask_ahead(const struct segment *seg, uint64_t *ahead, uint64_t next)
{
    if (next <= *ahead)
        return;
    uint64_t from = *ahead & ~(AHEAD_WORDS - 1), to = (next + AHEAD_WORDS) & ~(AHEAD_WORDS - 1);
    *ahead = to < seg->table.n_words ? to : seg->table.n_words;
    (void)madvise(seg->words + from, (*ahead - from) * 8, MADV_POPULATE_WRITE);
}

void segment_open_reserve(struct segment *seg, bool open)
{
    seg->heap.reserve = open ? 0 : seg->table.n_words / RESERVE_SHARE;
}

int segment_init(struct segment *seg, int fd, uint64_t words, uint64_t seed)
{
    *seg = (struct segment){.fd = fd};
    int err = fd < 0 ? fd : segment_memory(seg, words);
    if (!err) {
        segment_layout(seg, words, seed);
        err = table_attach(seg->words, words, &seg->table);
        segment_open_reserve(seg, false);
        uint64_t index_ahead = seg->table.index; /* its words are used in no order */
        ask_ahead(seg, &index_ahead, seg->table.index + seg->table.index_mask + 1);
        seg->heap_ahead = seg->heap.next;
        seg->slots_ahead = seg->table.slots;
    }
    if (!err) {
        seg->free_slots = malloc(seg->table.slot_count * sizeof *seg->free_slots);
        err = seg->free_slots ? 0 : -ENOMEM;
    }
    if (err)
        segment_fini(seg);
    return err;
}

int segment_add_slot(struct segment *seg, uint64_t hash, uint32_t *ret_slot)
{
    table_word *index = seg->words + seg->table.index;
    uint64_t mask = seg->table.index_mask, at = hash & mask, probes = 0;
    for (; (uint32_t)table_load(&index[at]) != 0; at = (at + 1) & mask)
        if (++probes >= TABLE_PROBES_MAX)
            return seg->index_used > mask / CROWDED_SHARE ? -ENOSPC : -ELOOP;
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
        ask_ahead(seg, &seg->slots_ahead, seg->table.slots + seg->slots_used * TABLE_SLOT_WORDS);
        table_store(&seg->words[TABLE_H_SLOTS_USED], seg->slots_used);
    }
    seg->index_used += fresh;
    table_store(&seg->words[seg->table.slots + (uint64_t)slot * TABLE_SLOT_WORDS + TABLE_S_HASH], hash);
    table_store(&index[at], (hash >> 32 << 32) | (slot + 1));
    *ret_slot = slot;
    return 0;
}

static table_word *slot_words(const struct segment *seg, uint32_t slot)
{
    return seg->words + seg->table.slots + (uint64_t)slot * TABLE_SLOT_WORDS;
}

uint64_t segment_ref(const struct segment *seg, uint32_t slot)
{
    const table_word *s = slot_words(seg, slot);
    return table_load(&s[table_load(&s[TABLE_S_SEQ]) & 1 ? TABLE_S_REF1 : TABLE_S_REF0]);
}

uint64_t segment_publish(struct segment *seg, uint32_t slot, uint64_t ref)
{
    table_word *s = slot_words(seg, slot);
    uint64_t seq = table_load(&s[TABLE_S_SEQ]);
    uint64_t old = table_load(&s[seq & 1 ? TABLE_S_REF1 : TABLE_S_REF0]);
    table_store(&s[seq & 1 ? TABLE_S_REF0 : TABLE_S_REF1], ref);
    table_store(&s[TABLE_S_SEQ], seq + 1);
    table_store(&seg->words[TABLE_H_PUBLISHED], ++seg->published);
    return old;
}

void segment_give(struct segment *seg, uint64_t ref)
{
    ref &= ~TABLE_REF_PAGED;
    if (table_ref_words(ref))
        heap_give(&seg->heap, table_ref_offset(ref), table_ref_words(ref));
}

/*
 * The number is stored before the memory is given back, so that a reader who sees a word of its next use sees the
 * number as well. It never decreases.
 */
static void recycle(struct segment *seg, const struct retired *r)
{
    table_word *recycled = &seg->words[TABLE_H_RECYCLED];
    if (r->published > table_load(recycled))
        table_store(recycled, r->published);
    segment_give(seg, r->ref);
}

static void recycle_oldest(struct segment *seg)
{
    const struct retired r = seg->retired[seg->retired_at];
    seg->retired_at = (seg->retired_at + 1) & (seg->retired_cap - 1);
    seg->n_retired--;
    seg->retired_words -= table_ref_words(r.ref);
    recycle(seg, &r);
}

static int grow_retired(struct segment *seg)
{
    size_t cap = seg->retired_cap ? 2 * seg->retired_cap : 64;
    struct retired *ring = malloc(cap * sizeof *ring);
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < seg->n_retired; i++)
        ring[i] = seg->retired[(seg->retired_at + i) & (seg->retired_cap - 1)];
    free(seg->retired);
    seg->retired = ring;
    seg->retired_cap = cap;
    seg->retired_at = 0;
    return 0;
}

void segment_retire(struct segment *seg, uint64_t ref)
{
    const struct retired r = {ref & ~TABLE_REF_PAGED, seg->published};
    uint64_t most = seg->table.n_words / RETIRED_SHARE;
    if (seg->n_retired == seg->retired_cap && grow_retired(seg) < 0) {
        recycle(seg, &r);
        return;
    }
    seg->retired[(seg->retired_at + seg->n_retired++) & (seg->retired_cap - 1)] = r;
    seg->retired_words += table_ref_words(r.ref);
    while (seg->retired_words > (most < RETIRED_WORDS_MAX ? most : RETIRED_WORDS_MAX))
        recycle_oldest(seg);
}

int segment_take(struct segment *seg, uint64_t words, uint64_t *ret_offset)
{
    int err = heap_take(&seg->heap, words, ret_offset);
    while (err == -ENOSPC && seg->n_retired > 0) {
        recycle_oldest(seg);
        err = heap_take(&seg->heap, words, ret_offset);
    }
    ask_ahead(seg, &seg->heap_ahead, seg->heap.next);
    return err;
}

/*
 * A tombstone keeps searches going. Where the next word ends them anyway it is not needed, nor are those before
 * it: without this, names that come and go would fill the index.
 */
static void clear_index(struct segment *seg, uint64_t at)
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

/* As many probes as an insert may take. */
void segment_remove_slot(struct segment *seg, uint64_t hash, uint32_t slot)
{
    for (uint64_t i = 0; i < TABLE_PROBES_MAX; i++) {
        uint64_t at = (hash + i) & seg->table.index_mask;
        if ((uint32_t)table_load(&seg->words[seg->table.index + at]) != slot + 1)
            continue;
        clear_index(seg, at);
        break;
    }
    seg->free_slots[seg->n_free_slots++] = slot;
}
