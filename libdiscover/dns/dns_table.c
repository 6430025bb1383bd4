/* SPDX-License-Identifier: Apache-2.0 */
/* A table of one service, made of a DNS answer. */
#include "libdiscover/dns/dns_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/core/words.h"

/* Two words, so that a search for another key ends at an empty one. */
#define INDEX       TABLE_HEADER_WORDS
#define INDEX_WORDS 2
#define SLOTS       (INDEX + INDEX_WORDS)
#define HEAP        (SLOTS + TABLE_SLOT_WORDS)

/* Of an instance: a dozen length octets and NULs, its target's name, and what the conditions say. */
#define DETAILS_WORDS_MAX ((32 + DNS_TEXT_CAP + LOOKUP_CONDITIONS_MAX * (LABEL_CAP + 1)) / 8)

static uint64_t target_id(const char *service, const struct dns_srv_target *t)
{
    uint8_t bytes[TABLE_KEY_MAX + DNS_NAME_MAX + 2];
    size_t n = strlen(service);
    memcpy(bytes, service, n);
    memcpy(bytes + n, t->name.octets, t->name.n);
    n += t->name.n;
    bytes[n++] = (uint8_t)(t->port >> 8);
    bytes[n++] = (uint8_t)t->port;
    return table_hash((const char *)bytes, n);
}

/* What all instances have, since they were asked for by it; returns the place, or "". */
static const char *fill_common(const struct lookup_key *key, struct record *ret_record)
{
    const char *place = "";
    record_init(ret_record);
    for (size_t i = 0; i < key->n; i++) {
        const struct lookup_condition *condition = &key->conditions[i];
        if (condition->sign == LOOKUP_TAG)
            (void)record_add_tag(ret_record, condition->label); /* twice the same is no harm */
        else if (condition->sign == LOOKUP_PLACE)
            place = condition->label;
        else
            (void)protocol_of_word(condition->label, &ret_record->protocol);
    }
    return place;
}

static void fill_record(const struct dns_srv_target *t, struct record *ret_record)
{
    ret_record->hostname[0] = '\0';
    ret_record->state = DISCOVER_PASSING;
    ret_record->port = t->port;
    ret_record->priority = t->priority;
    ret_record->weight = t->weight ? t->weight : 1; /* RFC 2782: 0 is the least, not none */
    ret_record->addresses = t->addresses;
    if (!t->computed)
        (void)dns_name_text(&t->name, ret_record->hostname);
}

struct ranked {
    const struct dns_srv_target *target;
    uint64_t id;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->target->priority != y->target->priority)
        return x->target->priority < y->target->priority ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool can_be_called(const struct dns_srv_target *t)
{
    char text[DNS_TEXT_CAP];
    return t->addresses.families != 0 || dns_name_text(&t->name, text) == 0;
}

/* Ranks the targets in the order that discover_resolve promises, each once. Returns how many. */
static size_t rank(const char *service, const struct dns_answer *a, struct ranked *ret_ranked)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < a->n_targets; i++)
        if (can_be_called(&a->targets[i]))
            ret_ranked[n++] = (struct ranked){&a->targets[i], target_id(service, &a->targets[i])};
    qsort(ret_ranked, n, sizeof *ret_ranked, by_rank);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || ret_ranked[i].id != ret_ranked[kept - 1].id)
            ret_ranked[kept++] = ret_ranked[i];
    return kept;
}

static size_t write_details(const struct record *r, const char *place, uint64_t *at)
{
    uint8_t *bytes = (uint8_t *)at;
    size_t n = entry_write_host("", place, "", bytes);
    n += entry_write_instance(r, "", bytes + n);
    return table_words(n);
}

/* Writes a block into memory that is zero; returns its words. */
static size_t write_block(const struct lookup_key *key, const struct ranked *ranked, size_t n, uint64_t *block)
{
    size_t key_bytes = strlen(key->service), body = TABLE_BLOCK_HEADER_WORDS + table_words(key_bytes);
    struct record r;
    const char *place = fill_common(key, &r);
    uint64_t *endpoints = block + body, *offsets = endpoints + n * TABLE_ENDPOINT_WORDS;
    size_t at = body + n * TABLE_ENDPOINT_WORDS + table_words(n * 4);
    block[TABLE_B_KIND] = key_bytes << 8 | TABLE_SERVICE;
    block[TABLE_B_COUNTS] = (uint64_t)n << 32 | n;
    memcpy(block + TABLE_BLOCK_HEADER_WORDS, key->service, key_bytes);
    for (size_t i = 0; i < n; i++) {
        fill_record(ranked[i].target, &r);
        entry_endpoint(&r, ranked[i].id, DISCOVER_ELSEWHERE,
                       (struct discover_endpoint *)(endpoints + i * TABLE_ENDPOINT_WORDS));
        offsets[i / 2] |= (uint64_t)at << (i % 2 * 32);
        at += write_details(&r, place, block + at);
    }
    return at;
}

static void write_header(uint64_t *words, size_t n_words)
{
    words[TABLE_H_MAGIC] = TABLE_MAGIC;
    words[TABLE_H_VERSION] = TABLE_VERSION;
    words[TABLE_H_WORDS] = n_words;
    words[TABLE_H_INDEX] = INDEX;
    words[TABLE_H_INDEX_WORDS] = INDEX_WORDS;
    words[TABLE_H_SLOTS] = SLOTS;
    words[TABLE_H_SLOT_COUNT] = 1;
    words[TABLE_H_HEAP] = HEAP;
    words[TABLE_H_ALIVE] = INT64_MAX; /* no daemon whose silence would mean anything */
}

static void write_slot(const char *service, uint64_t block_words, uint64_t *words)
{
    uint64_t hash = table_hash(service, strlen(service));
    words[SLOTS + TABLE_S_REF0] = table_ref(HEAP, block_words);
    words[SLOTS + TABLE_S_HASH] = hash;
    words[INDEX + (hash & (INDEX_WORDS - 1))] = (hash >> 32 << 32) | 1;
    words[TABLE_H_SLOTS_USED] = 1;
}

/* What is mapped and never written to costs no memory. */
int dns_table_make(const struct lookup_key *key, const struct dns_answer *answer, struct table *ret_table)
{
    const char *service = key->service;
    size_t n_words = HEAP + TABLE_BLOCK_HEADER_WORDS + table_words(strlen(service)) + 1 +
                     answer->n_targets * (TABLE_ENDPOINT_WORDS + 1 + DETAILS_WORDS_MAX);
    struct ranked *ranked = malloc((answer->n_targets + 1) * sizeof *ranked);
    uint64_t *words = mmap(NULL, n_words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!ranked || words == MAP_FAILED) {
        if (words != MAP_FAILED)
            munmap(words, n_words * 8);
        free(ranked);
        return -ENOMEM;
    }
    write_header(words, n_words);
    if (answer->outcome == DNS_FOUND || answer->outcome == DNS_NONE)
        write_slot(service, write_block(key, ranked, rank(service, answer, ranked), words + HEAP), words);
    free(ranked);
    return table_attach((const table_word *)words, n_words, ret_table);
}

static uint64_t block_words(const struct table *t)
{
    return table_ref_words(table_load(&t->words[SLOTS + TABLE_S_REF0]));
}

/* Blocks do not change once they are written: so they may be compared word by word. */
bool dns_table_same(const struct table *x, const struct table *y)
{
    uint64_t n = block_words(x);
    return n == block_words(y) &&
           memcmp((const uint64_t *)x->words + HEAP, (const uint64_t *)y->words + HEAP, n * 8) == 0;
}

bool dns_table_any(const struct table *t)
{
    return block_words(t) > 0 && (uint32_t)table_load(&t->words[HEAP + TABLE_B_COUNTS]) > 0;
}

void dns_table_vouch(const struct table *t, enum table_sync sync, int64_t stale_since_ns)
{
    table_word *words = (table_word *)t->words;
    table_store(&words[TABLE_H_STALE_SINCE], (uint64_t)stale_since_ns);
    table_store(&words[TABLE_H_SYNC], sync);
}
