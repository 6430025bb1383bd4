/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of large services. */
#include "daemon/catalog/service_labels.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/table_label.h"

#define GATHER_PIECE 8 /* pages */

/*
 * Bits for each instance: an id, and often a host, of its own make 3 of them set each. Of all bits an eighth may be set when
 * all marks have just been made, which lets one of 500 other labels through, and a quarter later on.
 */
#define INSTANCES_PER_BLOCK 16
#define FULL_AT_FIRST       8
#define FULL                4

/* The texts that follow one another in an entry (entry.h). */
static const char *next_text(const uint8_t **at, size_t *ret_n)
{
    const char *text = (const char *)*at + 1;
    *ret_n = **at;
    *at += *ret_n + 2;
    return text;
}

static inline unsigned mark_text(uint64_t *marks, uint64_t n_blocks, enum table_label kind, const uint8_t **at)
{
    size_t n;
    const char *text = next_text(at, &n);
    return n > 0 ? table_mark(marks, n_blocks, table_label_hash(kind, text, n)) : 0;
}

/* Bytes of an entry that neighbours often have in common; NULL: none. */
struct stretch {
    const uint8_t *at;
    size_t n;
};

/* Zone and region, and the tags with what follows them. */
struct shared_labels {
    struct stretch places, tags;
};

static struct shared_labels shared_of(const struct instance *i)
{
    const uint8_t *places = i->host->entry, *tags = i->details;
    size_t n;
    (void)next_text(&places, &n);
    (void)next_text(&tags, &n);
    (void)next_text(&tags, &n);
    return (struct shared_labels){{places, (size_t)(i->host->entry + i->host->entry_n - places)},
                                  {tags, (size_t)(i->details + i->details_n - tags)}};
}

static bool is_same(struct stretch a, struct stretch b)
{
    return a.n == b.n && b.at && memcmp(a.at, b.at, a.n) == 0;
}

/*
 * Marks the labels of one instance, but for those that nearly all have in common (mark_common), and those that were marked
 * for the one before it.
 */
static inline unsigned mark_own(uint64_t *marks, uint64_t n_blocks, const struct instance *i,
                                const struct shared_labels *own, const struct shared_labels *before)
{
    const uint8_t *at = i->host->entry;
    unsigned set = table_mark(marks, n_blocks, i->endpoint.id);
    set += mark_text(marks, n_blocks, TABLE_LABEL_HOST, &at);
    if (!is_same(own->places, before->places)) {
        set += mark_text(marks, n_blocks, TABLE_LABEL_PLACE, &at);
        set += mark_text(marks, n_blocks, TABLE_LABEL_PLACE, &at);
    }
    at = own->tags.at;
    if (!is_same(own->tags, before->tags))
        for (uint8_t tags = *at++; tags > 0; tags--)
            set += mark_text(marks, n_blocks, TABLE_LABEL_TAG, &at);
    return set;
}

/* families: DISCOVER_HAS_...; protocols: 1 << enum discover_protocol. */
static inline unsigned mark_common(uint64_t *marks, uint64_t n_blocks, unsigned families, unsigned protocols)
{
    unsigned set = 0;
    for (unsigned left = families & (DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6); left; left &= left - 1)
        set += table_mark(marks, n_blocks, table_family_hash((uint8_t)(left & -left)));
    for (; protocols; protocols &= protocols - 1) {
        const char protocol = (char)__builtin_ctz(protocols);
        set += table_mark(marks, n_blocks, table_label_hash(TABLE_LABEL_PROTOCOL, &protocol, 1));
    }
    return set;
}

static unsigned protocol_bit(const struct instance *i)
{
    return 1u << (i->endpoint.protocol & 31);
}

void labels_mark_page(uint64_t marks[static TABLE_PAGE_MARK_WORDS], const struct order_page *p)
{
    unsigned families = 0, protocols = 0;
    struct shared_labels before = {0};
    for (uint32_t k = 0; k < p->n; k++) {
        const struct shared_labels own = shared_of(p->instances[k]);
        families |= p->instances[k]->endpoint.families;
        protocols |= protocol_bit(p->instances[k]);
        (void)mark_own(marks, TABLE_PAGE_MARK_BLOCKS, p->instances[k], &own, &before);
        before = own;
    }
    (void)mark_common(marks, TABLE_PAGE_MARK_BLOCKS, families, protocols);
}

void labels_add(struct service_labels *l, const struct instance *i)
{
    if (!l->marks)
        return;
    const struct shared_labels own = shared_of(i), none = {0};
    unsigned set = mark_own(l->marks, l->n_blocks, i, &own, &none);
    set += mark_common(l->marks, l->n_blocks, i->endpoint.families, protocol_bit(i));
    l->n_set += set;
    l->is_published &= set == 0;
}

static bool is_fuller_than(const struct service_labels *l, unsigned part)
{
    return l->n_set > (uint64_t)l->n_blocks * TABLE_MARK_BLOCK_WORDS * 64 / part;
}

/* Begins to make all marks anew, in so many blocks. False: there is no memory for it; then there are no marks. */
static bool begin(struct service_labels *l, uint32_t n_blocks)
{
    free(l->marks);
    l->marks = calloc(n_blocks, TABLE_MARK_BLOCK_WORDS * 8);
    l->n_blocks = n_blocks;
    l->n_set = 0;
    l->round++;
    l->whole = l->is_published = false;
    return l->marks;
}

static bool begin_if_due(struct service_labels *l, uint32_t n_instances)
{
    uint32_t n_blocks = 1 + n_instances / INSTANCES_PER_BLOCK, larger = n_blocks > l->n_blocks ? n_blocks : l->n_blocks;
    if (!l->marks || (l->whole && is_fuller_than(l, FULL)))
        return begin(l, larger);
    return l->whole || !is_fuller_than(l, FULL_AT_FIRST) || begin(l, 2 * l->n_blocks);
}

static void gather_page(struct service_labels *l, struct order_page *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        labels_add(l, p->instances[i]);
    p->labels_round = l->round;
}

bool labels_gather(struct service *s)
{
    struct service_labels *l = &s->labels;
    uint32_t n = 0;
    if (!begin_if_due(l, s->n) || l->whole)
        return true;
    for (uint32_t k = 0; k < s->order.n && n < GATHER_PIECE; k++) {
        struct order_page *p = &s->order.pages[k];
        if (p->labels_round == l->round)
            continue;
        gather_page(l, p);
        n++;
    }
    l->whole = n < GATHER_PIECE && !is_fuller_than(l, FULL_AT_FIRST);
    return l->whole;
}

static size_t key_of(const char *key, size_t key_bytes, char ret_key[static BLOCK_KEY_CAP])
{
    ret_key[0] = '?';
    memcpy(ret_key + 1, key, key_bytes);
    return 1 + key_bytes;
}

void labels_remove(struct catalog *c, const char *key, size_t key_bytes)
{
    char own[BLOCK_KEY_CAP];
    size_t n = key_of(key, key_bytes, own);
    table_writer_remove(c->table, own, n);
}

void labels_before_put(struct catalog *c, const struct service *s, const char *key, size_t key_bytes)
{
    if (!s->labels.is_published)
        labels_remove(c, key, key_bytes);
}

void labels_after_put(struct catalog *c, const struct service *s, const char *key, size_t key_bytes)
{
    const struct service_labels *l = &s->labels;
    char own[BLOCK_KEY_CAP];
    if (!l->whole || l->is_published)
        return;
    size_t n = key_of(key, key_bytes, own);
    (void)table_writer_put(c->table, TABLE_LABELS, own, n, 0, 0, l->marks,
                           (size_t)l->n_blocks * TABLE_MARK_BLOCK_WORDS); /* if it fails, readers look at all pages */
}

void labels_end(struct service_labels *l)
{
    free(l->marks);
    *l = (struct service_labels){.round = l->round};
}
