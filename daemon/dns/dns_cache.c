/* SPDX-License-Identifier: Apache-2.0 */
/* The prepared answers of one worker. */
#include "daemon/dns/dns_cache.h"

#include <errno.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define RING_MIN      (1 << 20)
#define CELLS         8   /* of a bucket: one cache line */
#define BYTES_A_CELL  512 /* of the ring: answers are about as large */
#define FETCH_LINES   16  /* of an answer; the rest of a longer one follows by itself */
#define POSITION_BITS 48  /* positions count words of 8 octets: enough for 2 PB written */
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)

/* In the ring: this, the question padded to a multiple of 8, the prepared answer. */
struct kept {
    uint32_t capacity; /* octets, this structure included */
    uint16_t key_bytes;
    uint8_t class;
    uint8_t pad;
    uint8_t key[];
};

static struct dns_prepared *prepared_of(struct kept *k)
{
    return (struct dns_prepared *)(k->key + dns_round_up(k->key_bytes));
}

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int dns_cache_init(struct dns_cache *c, size_t bytes)
{
    uint64_t buckets = 1;
    bytes = dns_round_up(bytes < RING_MIN ? RING_MIN : bytes);
    while (buckets * CELLS * BYTES_A_CELL < bytes)
        buckets *= 2;
    *c = (struct dns_cache){.bytes = bytes, .bucket_mask = buckets - 1};
    c->ring = map(bytes);
    c->index = map(buckets * CELLS * sizeof *c->index);
    /* From here on no position is 0, which is what an empty cell holds. */
    c->head = c->floor = bytes;
    if (c->ring && c->index)
        return 0;
    dns_cache_fini(c);
    return -ENOMEM;
}

void dns_cache_fini(struct dns_cache *c)
{
    if (c->ring)
        munmap(c->ring, c->bytes);
    if (c->index)
        munmap(c->index, (c->bucket_mask + 1) * CELLS * sizeof *c->index);
    *c = (struct dns_cache){0};
}

/* From the beginning of the ring again: that is in memory already. */
void dns_cache_clear(struct dns_cache *c)
{
    c->head += (c->bytes - c->head % c->bytes) % c->bytes;
    c->floor = c->head;
}

struct dns_cache_key dns_cache_key(const struct dns_query *q, uint8_t class)
{
    uint64_t hash = XXH3_64bits(q->question, q->question_bytes) + class * UINT64_C(0x9e3779b97f4a7c15);
    return (struct dns_cache_key){q->question, q->question_bytes, class, hash};
}

static uint64_t *bucket_of(const struct dns_cache *c, uint64_t hash)
{
    return c->index + (hash & c->bucket_mask) * CELLS;
}

static uint64_t position_of(uint64_t cell)
{
    return (cell & POSITION_MASK) * 8;
}

static struct kept *kept_at(const struct dns_cache *c, uint64_t position)
{
    return (struct kept *)(c->ring + position % c->bytes);
}

void dns_cache_fetch_index(const struct dns_cache *c, const struct dns_cache_key *key)
{
    __builtin_prefetch(bucket_of(c, key->hash));
}

void dns_cache_fetch_answer(const struct dns_cache *c, const struct dns_cache_key *key)
{
    const uint64_t *cell = bucket_of(c, key->hash);
    for (int i = 0; i < CELLS; i++, cell++) {
        if (*cell >> POSITION_BITS != key->hash >> POSITION_BITS)
            continue;
        const uint8_t *at = (const uint8_t *)kept_at(c, position_of(*cell));
        for (size_t line = 0; line < FETCH_LINES; line++)
            __builtin_prefetch(at + line * 64);
        return;
    }
}

/* The key's cell, or NULL. */
static uint64_t *cell_of(const struct dns_cache *c, const struct dns_cache_key *key)
{
    uint64_t *cell = bucket_of(c, key->hash);
    for (int i = 0; i < CELLS; i++, cell++) {
        if (*cell >> POSITION_BITS != key->hash >> POSITION_BITS || position_of(*cell) < c->floor)
            continue;
        const struct kept *k = kept_at(c, position_of(*cell));
        if (k->key_bytes == key->bytes && k->class == key->class && memcmp(k->key, key->question, key->bytes) == 0)
            return cell;
    }
    return NULL;
}

struct dns_prepared *dns_cache_find(const struct dns_cache *c, const struct dns_cache_key *key)
{
    const uint64_t *cell = cell_of(c, key);
    return cell ? prepared_of(kept_at(c, position_of(*cell))) : NULL;
}

/* The cell whose answer is oldest, which those are whose answer is gone already. */
static uint64_t *oldest_cell(const struct dns_cache *c, uint64_t hash)
{
    uint64_t *cell = bucket_of(c, hash), *oldest = cell;
    for (int i = 1; i < CELLS; i++)
        if (position_of(cell[i]) < position_of(*oldest))
            oldest = &cell[i];
    return oldest;
}

/* The next n octets of the ring that are in one piece. */
static uint64_t append(struct dns_cache *c, size_t n)
{
    uint64_t left = c->bytes - c->head % c->bytes;
    if (left < n)
        c->head += left;
    uint64_t position = c->head;
    c->head += n;
    if (c->head - c->bytes > c->floor)
        c->floor = c->head - c->bytes;
    return position;
}

/* An answer that has outgrown its place will grow again: with room to spare it moves a few times in its life, not for ever. */
static size_t room_for(size_t need, bool has_grown)
{
    size_t room = has_grown ? dns_round_up(2 * need) : need;
    return room < DNS_CACHE_ANSWER_MAX ? room : DNS_CACHE_ANSWER_MAX;
}

static void fill(struct kept *k, const struct dns_cache_key *key, struct dns_prepared *p)
{
    k->key_bytes = key->bytes;
    k->class = key->class;
    memcpy(k->key, key->question, key->bytes);
    dns_prepared_copy(p, prepared_of(k));
}

void dns_cache_put(struct dns_cache *c, const struct dns_cache_key *key, struct dns_prepared *p)
{
    size_t need = sizeof(struct kept) + dns_round_up(key->bytes) + dns_prepared_copy_bytes(p);
    if (need > DNS_CACHE_ANSWER_MAX)
        return;
    c->puts++;
    uint64_t *cell = cell_of(c, key);
    if (!cell || kept_at(c, position_of(*cell))->capacity < need) {
        size_t room = room_for(need, cell != NULL);
        if (!cell)
            cell = oldest_cell(c, key->hash);
        uint64_t position = append(c, room);
        *cell = key->hash >> POSITION_BITS << POSITION_BITS | position / 8;
        kept_at(c, position)->capacity = (uint32_t)room;
    }
    fill(kept_at(c, position_of(*cell)), key, p);
}
