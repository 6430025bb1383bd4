/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the shared table; the protocol is described in table_format.h. */
#include "libdiscover/core/table_reader.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/table_block.h"
#include "libdiscover/core/table_find.h"
#include "libdiscover/core/table_label.h"

static bool part_fits(uint64_t offset, uint64_t length, uint64_t n_words)
{
    return offset >= TABLE_HEADER_WORDS && offset <= n_words && length <= n_words - offset;
}

int table_attach(const table_word *words, uint64_t n_words, struct table *ret_table)
{
    if (n_words < TABLE_HEADER_WORDS || table_load(&words[TABLE_H_MAGIC]) != TABLE_MAGIC)
        return -EBADMSG;
    uint64_t version = table_load(&words[TABLE_H_VERSION]);
    if (version != TABLE_VERSION && version != TABLE_VERSION_SEEDED)
        return -EPROTONOSUPPORT;
    struct table t = {.words = words, .n_words = table_load(&words[TABLE_H_WORDS])};
    t.seed = version == TABLE_VERSION_SEEDED ? table_load(&words[TABLE_H_SEED]) : 0;
    uint64_t index_words = table_load(&words[TABLE_H_INDEX_WORDS]);
    t.index = table_load(&words[TABLE_H_INDEX]);
    t.index_mask = index_words - 1;
    t.slots = table_load(&words[TABLE_H_SLOTS]);
    t.slot_count = table_load(&words[TABLE_H_SLOT_COUNT]);
    bool power_of_two = index_words != 0 && (index_words & t.index_mask) == 0;
    if (t.n_words > n_words || !power_of_two || t.slot_count > UINT32_MAX - 1 ||
        !part_fits(t.index, index_words, t.n_words) || !part_fits(t.slots, t.slot_count * TABLE_SLOT_WORDS, t.n_words))
        return -EBADMSG;
    *ret_table = t;
    return 0;
}

int table_map(int fd, struct table *ret_table)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || fstat(fd, &st) < 0)
        return -EBADMSG;
    if (!(seals & F_SEAL_SHRINK))
        return -EPERM;
    if (st.st_size < TABLE_HEADER_WORDS * 8)
        return -EBADMSG;
    void *memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    (void)madvise(memory, (size_t)st.st_size, MADV_DONTDUMP); /* other programs' addresses have no place in a core */
    int err = table_attach(memory, (uint64_t)st.st_size / 8, ret_table);
    if (err < 0)
        munmap(memory, (size_t)st.st_size);
    else
        ret_table->n_words = (uint64_t)st.st_size / 8;
    return err;
}

void table_unmap(struct table *t)
{
    if (t->words)
        munmap((void *)t->words, t->n_words * 8);
    t->words = NULL;
}

uint64_t table_hash(const char *key, size_t n)
{
    return table_hash_seeded(0, key, n);
}

uint64_t table_key_hash(const struct table *t, const char *key, size_t n)
{
    return table_hash_seeded(t->seed, key, n);
}

__attribute__((noinline)) void table_block_copy(uint64_t *to, const table_word *from, uint64_t n_words)
{
    table_copy(to, from, n_words);
}

/* Pages lie all over the table: some steps ahead, their marks are fetched into the cache. */
static void table_pages_prefetch(const struct table_pages *p)
{
    enum { AHEAD = 12, LINE_WORDS = 8 };
    if (p->end - p->next <= AHEAD)
        return;
    uint64_t offset = table_ref_offset(table_load(&p->block->words[p->next + AHEAD]));
    if (offset >= p->table->n_words)
        return;
    const char *at = (const char *)(p->table->words + offset);
    __builtin_prefetch(at);
    __builtin_prefetch(at + LINE_WORDS * 8);
    __builtin_prefetch(at + 2 * LINE_WORDS * 8);
}

int table_pages_next(struct table_pages *p, struct table_page *ret_page)
{
    if (p->next == p->end)
        return p->seen == p->block->n_total ? 0 : -EBADMSG;
    table_pages_prefetch(p);
    uint64_t ref = table_load(&p->block->words[p->next++]);
    uint64_t offset = table_ref_offset(ref), n_words = table_ref_words(ref);
    if (offset >= p->table->n_words || n_words > p->table->n_words - offset || n_words <= TABLE_PAGE_HEADER_WORDS ||
        n_words > p->words_left)
        return -EBADMSG;
    const table_word *words = p->table->words + offset;
    uint64_t n = table_load(&words[TABLE_P_COUNT]);
    if (n == 0 || n > p->block->n_total - p->seen ||
        n * TABLE_ENDPOINT_WORDS + (n + 1) / 2 > n_words - TABLE_PAGE_HEADER_WORDS)
        return -EBADMSG;
    *ret_page = (struct table_page){words, n_words, (uint32_t)n, p->seen};
    p->words_left -= n_words;
    p->seen += (uint32_t)n;
    return 1;
}

/* -ENOENT: the slot is empty; -EBADMSG. In these cases, too, *ret_block has what block_quiet needs. */
static int block_open(const struct table *t, uint32_t slot, struct table_block *ret_block)
{
    const table_word *s = table_slot_at(t, slot);
    struct table_block b = {.published = table_load(&t->words[TABLE_H_PUBLISHED])};
    b.seq = table_load(&s[TABLE_S_SEQ]);
    uint64_t ref = table_load(&s[b.seq & 1 ? TABLE_S_REF1 : TABLE_S_REF0]);
    b.paged = ref & TABLE_REF_PAGED;
    ref &= ~TABLE_REF_PAGED;
    uint64_t offset = table_ref_offset(ref);
    b.n_words = table_ref_words(ref);
    *ret_block = b;
    if (b.n_words == 0)
        return -ENOENT;
    if (offset >= t->n_words || b.n_words > t->n_words - offset)
        return -EBADMSG;
    ret_block->words = t->words + offset;
    return table_block_parse(ret_block);
}

/* Whether what was read since block_open was the block, and no other that came into its memory. */
static bool block_quiet(const struct table *t, uint32_t slot, const struct table_block *b)
{
    if (table_load(&table_slot_at(t, slot)[TABLE_S_SEQ]) == b->seq)
        return true;
    return b->paged && (int64_t)(table_load(&t->words[TABLE_H_RECYCLED]) - b->published) <= 0;
}

static bool block_has_key(const struct table_block *b, const struct table_key *k)
{
    return b->key_bytes == k->n_bytes && table_is_key(b->words + TABLE_BLOCK_HEADER_WORDS, k);
}

/* -ENOENT: not this slot. */
static int slot_read(const struct table *t, uint32_t slot, const struct table_key *k, table_block_fn *fn, void *arg)
{
    for (int i = 0; i < TABLE_READ_TRIES; i++) {
        struct table_block b;
        int err = block_open(t, slot, &b);
        if (!err)
            err = k && !block_has_key(&b, k) ? -ENOENT : fn(t, &b, arg);
        if (block_quiet(t, slot, &b))
            return err;
    }
    return -EBUSY;
}

/* Reads the block of a key through fn: -ENOENT, -EBUSY, or what fn returned. */
static inline int key_read(const struct table *t, const struct table_key *k, table_block_fn *fn, void *arg,
                           uint32_t *ret_slot)
{
    uint32_t slot;
    for (uint64_t at = 0; table_next_slot(t, k, &at, &slot);) {
        int err = slot_read(t, slot, k, fn, arg);
        if (err != -ENOENT) {
            *ret_slot = slot;
            return err;
        }
    }
    return -ENOENT;
}

int table_block_read(const struct table *t, uint32_t slot, table_block_fn *fn, void *arg)
{
    return slot < t->slot_count ? slot_read(t, slot, NULL, fn, arg) : -ENOENT;
}

int table_block_find(const struct table *t, const char *key, size_t n, table_block_fn *fn, void *arg,
                     uint32_t *ret_slot)
{
    struct table_key k;
    return table_key_init(&k, key, n, table_key_hash(t, key, n)) ? key_read(t, &k, fn, arg, ret_slot) : -ENOENT;
}

static int take_seq(const struct table *t, const struct table_block *b, void *arg)
{
    (void)t;
    *(uint64_t *)arg = b->seq;
    return 0;
}

int table_find_seq(const struct table *t, const char *key, size_t n, uint32_t *ret_slot, uint64_t *ret_seq)
{
    return table_block_find(t, key, n, take_seq, ret_seq, ret_slot);
}

int table_find(const struct table *t, const char *key, size_t n, uint32_t *ret_slot)
{
    uint64_t seq;
    return table_find_seq(t, key, n, ret_slot, &seq);
}

uint64_t table_slot_seq(const struct table *t, uint32_t slot)
{
    return slot < t->slot_count ? table_load(&table_slot_at(t, slot)[TABLE_S_SEQ]) : 0;
}

uint32_t table_slots_used(const struct table *t)
{
    uint64_t used = table_load(&t->words[TABLE_H_SLOTS_USED]);
    return (uint32_t)(used < t->slot_count ? used : t->slot_count);
}

uint32_t table_serial(const struct table *t)
{
    return (uint32_t)table_load(&t->words[TABLE_H_SERIAL]);
}

/* Between two times of the table, which may be any bytes: no later than now is 0. */
static int64_t time_since(int64_t now_ns, uint64_t then_ns)
{
    int64_t age_ns = (int64_t)((uint64_t)now_ns - then_ns);
    return age_ns > 0 ? age_ns : 0;
}

int64_t table_age_ns(const struct table *t, int64_t now_ns)
{
    now_ns = (int64_t)((uint64_t)now_ns - (uint64_t)t->ahead_ns);
    int64_t silent_ns = time_since(now_ns, table_load(&t->words[TABLE_H_ALIVE]));
    uint64_t since_ns = table_load(&t->words[TABLE_H_STALE_SINCE]);
    int64_t age_ns = since_ns ? time_since(now_ns, since_ns) : 0;
    return silent_ns > TABLE_DEAD_NS && silent_ns > age_ns ? silent_ns : age_ns;
}

struct endpoints {
    uint64_t *out;
    size_t cap;
    size_t n;
};

/* Copies the first n endpoints, page after page. */
static int copy_of_pages(const struct table *t, const struct table_block *b, uint64_t *out, uint64_t n)
{
    struct table_pages pages;
    struct table_page page;
    table_pages_begin(&pages, t, b);
    for (uint64_t done = 0; done < n; done += page.n) {
        int got = table_pages_next(&pages, &page);
        if (got <= 0)
            return -EBADMSG;
        uint64_t some = page.n < n - done ? page.n : n - done;
        table_block_copy(out + done * TABLE_ENDPOINT_WORDS, page.words + TABLE_PAGE_HEADER_WORDS,
                         some * TABLE_ENDPOINT_WORDS);
    }
    return 0;
}

static int copy_endpoints(const struct table *t, const struct table_block *b, void *arg)
{
    struct endpoints *e = arg;
    if (b->kind != TABLE_SERVICE)
        return -ENOENT;
    uint64_t n_first = b->n_first, n = n_first < e->cap ? n_first : e->cap;
    uint64_t most = b->paged ? t->n_words : b->n_words - b->body;
    if (n_first * TABLE_ENDPOINT_WORDS > most) /* all of them: the caller may make room for as many */
        return -EBADMSG;
    e->n = b->n_first;
    if (b->paged)
        return copy_of_pages(t, b, e->out, n);
    table_block_copy(e->out, b->words + b->body, n * TABLE_ENDPOINT_WORDS);
    return 0;
}

int table_endpoints(const struct table *t, const char *key, size_t n, struct discover_endpoint *ret_endpoints,
                    size_t cap, size_t *ret_n)
{
    if (table_endpoints_at_once(t, key, n, table_key_hash(t, key, n), ret_endpoints, cap, ret_n))
        return 0;
    struct endpoints e = {(uint64_t *)ret_endpoints, cap, 0};
    uint32_t slot;
    int err = table_block_find(t, key, n, copy_endpoints, &e, &slot);
    if (!err)
        *ret_n = e.n;
    return err;
}

struct service_call {
    table_run_fn *fn;
    void *arg;
};

static int call_with_pages(const struct table *t, const struct table_block *b, const struct service_call *call)
{
    struct table_pages pages;
    struct table_page page;
    int err = 0, got = 0;
    table_pages_begin(&pages, t, b);
    while (!err && (got = table_pages_next(&pages, &page)) > 0) {
        const struct table_run run = {page.words, page.n_words, TABLE_PAGE_HEADER_WORDS,   page.first,
                                      page.n,     b->n_first,   page.words + TABLE_P_MARKS};
        err = call->fn(&run, call->arg);
    }
    return err ? err : got < 0 ? got : 0;
}

static int call_service(const struct table *t, const struct table_block *b, void *arg)
{
    const struct service_call *call = arg;
    if (b->kind != TABLE_SERVICE)
        return -ENOENT;
    if (b->paged)
        return call_with_pages(t, b, call);
    const struct table_run run = {b->words, b->n_words, b->body, 0, b->n_total, b->n_first, NULL};
    uint64_t n = b->n_total;
    if (n * TABLE_ENDPOINT_WORDS + (n + 1) / 2 > b->n_words - b->body)
        return -EBADMSG;
    return call->fn(&run, call->arg);
}

int table_service_read(const struct table *t, const char *key, size_t n, table_run_fn *fn, void *arg)
{
    struct service_call call = {fn, arg};
    uint32_t slot;
    return table_block_find(t, key, n, call_service, &call, &slot);
}

static int read_region(const struct table *t, const struct table_block *b, void *arg)
{
    struct table_region *region = arg;
    (void)t;
    if (b->kind != TABLE_REGION)
        return -ENOENT;
    if (b->n_words - b->body < TABLE_REGION_WORDS)
        return -EBADMSG;
    uint64_t sync = table_load(&b->words[b->body + TABLE_R_SYNC]);
    region->sync = sync <= TABLE_DEGRADED ? (enum table_sync)sync : TABLE_UNSYNCED;
    region->stale_since_ns = (int64_t)table_load(&b->words[b->body + TABLE_R_STALE_SINCE]);
    region->own = table_load(&b->words[b->body + TABLE_R_OWN]) == 1;
    return 0;
}

int table_region(const struct table *t, const char *name, size_t n, struct table_region *ret_region)
{
    char key[LABEL_CAP + 1] = "%";
    uint32_t slot;
    if (n > LABEL_MAX)
        return -ENOENT;
    memcpy(key + 1, name, n);
    return table_block_find(t, key, n + 1, read_region, ret_region, &slot);
}

static int read_failover(const struct table *t, const struct table_block *b, void *arg)
{
    struct table_failover *failover = arg;
    uint64_t words[TABLE_FAILOVER_WORDS];
    (void)t;
    if (b->kind != TABLE_FAILOVER)
        return -ENOENT;
    if (b->n_words - b->body < TABLE_FAILOVER_WORDS)
        return -EBADMSG;
    table_block_copy(words, b->words + b->body, TABLE_FAILOVER_WORDS);
    failover->since_ns = (int64_t)words[TABLE_F_SINCE];
    memcpy(failover->region, words + TABLE_F_REGION, sizeof failover->region);
    failover->region[sizeof failover->region - 1] = '\0';
    return 0;
}

int table_failover(const struct table *t, const char *service, size_t n, struct table_failover *ret_failover)
{
    char key[TABLE_KEY_MAX] = "=";
    uint32_t slot;
    if (n + 1 > sizeof key)
        return -ENOENT;
    memcpy(key + 1, service, n);
    return table_block_find(t, key, n + 1, read_failover, ret_failover, &slot);
}

static int peek_block(const struct table *t, const struct table_block *b, void *arg)
{
    struct table_peek *peek = arg;
    uint64_t key[TABLE_KEY_MAX / 8];
    (void)t;
    table_block_copy(key, b->words + TABLE_BLOCK_HEADER_WORDS, (b->key_bytes + 7) / 8);
    memcpy(peek->key, key, b->key_bytes);
    peek->key[b->key_bytes] = '\0';
    peek->key_bytes = b->key_bytes;
    peek->kind = (enum table_kind)b->kind;
    peek->n_first = b->n_first;
    peek->n_total = b->n_total;
    return 0;
}

int table_peek(const struct table *t, uint32_t slot, struct table_peek *ret_peek)
{
    return table_block_read(t, slot, peek_block, ret_peek);
}
