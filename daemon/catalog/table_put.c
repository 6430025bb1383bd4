/* SPDX-License-Identifier: Apache-2.0 */
/* Puts blocks into a segment: what is new first, the slot last, so that a key is never found without its block. */
#include "daemon/catalog/table_put.h"

#include <errno.h>
#include <string.h>

static int write_block(struct segment *seg, const struct block_parts *p, uint64_t *ret_ref)
{
    uint64_t offset, n = block_parts_words(p);
    if (segment_take(seg, n, &offset) < 0)
        return -ENOSPC;
    table_word *at = seg->words + offset;
    table_store(&at[TABLE_B_KIND], p->kind);
    table_store(&at[TABLE_B_COUNTS], p->counts);
    segment_store(at + TABLE_BLOCK_HEADER_WORDS, p->key, p->key_words);
    segment_store(at + TABLE_BLOCK_HEADER_WORDS + p->key_words, p->body, p->body_words);
    *ret_ref = table_ref(offset, n);
    return 0;
}

/* What is under the key: its slot and reference, 0 where there is none. */
static uint64_t present(const struct segment *seg, const char *key, size_t key_bytes, bool *ret_known,
                        uint32_t *ret_slot)
{
    *ret_known = table_find(&seg->table, key, key_bytes, ret_slot) == 0;
    return *ret_known ? segment_ref(seg, *ret_slot) : 0;
}

static bool holds(const struct segment *seg, uint64_t ref, const struct block_parts *p)
{
    if (ref & TABLE_REF_PAGED || table_ref_words(ref) != block_parts_words(p))
        return false;
    const uint64_t *at = segment_words(seg, ref);
    return at[TABLE_B_KIND] == p->kind && at[TABLE_B_COUNTS] == p->counts &&
           memcmp(at + TABLE_BLOCK_HEADER_WORDS + p->key_words, p->body, p->body_words * 8) == 0;
}

struct page_refs segment_page_refs(const struct segment *seg, uint64_t ref)
{
    if (!(ref & TABLE_REF_PAGED))
        return (struct page_refs){0};
    const uint64_t *words = segment_words(seg, ref);
    size_t ahead = TABLE_BLOCK_HEADER_WORDS + ((words[TABLE_B_KIND] >> 8) + 7) / 8 + TABLE_DIRECTORY_WORDS;
    return (struct page_refs){words + ahead, table_ref_words(ref) - ahead};
}

struct block_parts segment_parts(const struct segment *seg, uint64_t ref)
{
    const uint64_t *words = segment_words(seg, ref);
    struct block_parts p = {.kind = words[TABLE_B_KIND], .counts = words[TABLE_B_COUNTS]};
    p.key_words = table_words(block_parts_key_bytes(&p));
    memcpy(p.key, words + TABLE_BLOCK_HEADER_WORDS, p.key_words * 8);
    p.body = words + TABLE_BLOCK_HEADER_WORDS + p.key_words;
    p.body_words = table_ref_words(ref) - TABLE_BLOCK_HEADER_WORDS - p.key_words;
    return p;
}

/* A new directory's pages, and the references they have got: one for each page, not for each part. */
struct page_list {
    const struct table_page_parts *parts;
    size_t n;
    const uint64_t *refs;
};

/* It was there already, or reads as what was; ref: its reference, or that of its first page. */
static bool is_kept(const struct table_page_parts *part, uint64_t ref, struct page_refs old)
{
    return part->kept < old.n && ref == old.at[part->kept];
}

/* Gives back what is no longer under a slot, but for the pages that are kept there. */
static void release(struct segment *seg, uint64_t ref, const struct page_list *list)
{
    if (!(ref & TABLE_REF_PAGED)) {
        segment_give(seg, ref);
        return;
    }
    const struct page_refs old = segment_page_refs(seg, ref);
    const uint64_t *new = list->refs;
    size_t at = 0;
    for (size_t k = 0; k < list->n; new += table_page_count(&list->parts[k++])) {
        if (!is_kept(&list->parts[k], *new, old))
            continue;
        for (; at < list->parts[k].kept; at++)
            segment_retire(seg, old.at[at]);
        at += table_page_count(&list->parts[k]);
    }
    for (; at < old.n; at++)
        segment_retire(seg, old.at[at]);
    segment_retire(seg, ref);
}

static int publish(struct segment *seg, const struct block_parts *p, bool known, uint32_t slot, uint64_t ref,
                   const struct page_list *list)
{
    int err =
        known ? 0
              : segment_add_slot(seg, table_key_hash(&seg->table, block_parts_key(p), block_parts_key_bytes(p)), &slot);
    if (err < 0) {
        segment_give(seg, ref);
        return err;
    }
    release(seg, segment_publish(seg, slot, ref), list);
    return 1;
}

int segment_put(struct segment *seg, const struct block_parts *p)
{
    uint64_t ref;
    uint32_t slot = 0;
    bool known;
    uint64_t old = present(seg, block_parts_key(p), block_parts_key_bytes(p), &known, &slot);
    if (known && holds(seg, old, p))
        return 0;
    int err = write_block(seg, p, &ref);
    return err ? err : publish(seg, p, known, slot, ref, &(struct page_list){0});
}

int segment_put_page(struct segment *seg, const uint64_t *words, uint64_t n, uint64_t *ret_ref)
{
    uint64_t offset;
    if (segment_take(seg, n, &offset) < 0)
        return -ENOSPC;
    segment_store(seg->words + offset, words, n);
    *ret_ref = table_ref(offset, n);
    return 0;
}

static bool reads_the_same(const struct segment *seg, const struct table_page_parts *page, struct page_refs old)
{
    if (!page->words)
        return true;
    return page->kept < old.n && table_ref_words(old.at[page->kept]) == page->n_words &&
           memcmp(segment_words(seg, old.at[page->kept]), page->words, page->n_words * 8) == 0;
}

bool segment_has_page(const struct segment *seg, const char *key, size_t key_bytes, const struct table_page_parts *page)
{
    uint32_t slot = 0;
    bool known;
    uint64_t ref = present(seg, key, key_bytes, &known, &slot);
    return reads_the_same(seg, page, segment_page_refs(seg, ref));
}

static void give_new_pages(struct segment *seg, const struct page_list *list, struct page_refs old)
{
    const uint64_t *ref = list->refs;
    for (size_t k = 0; k < list->n; ref += table_page_count(&list->parts[k++]))
        if (!is_kept(&list->parts[k], *ref, old) && !list->parts[k].staged)
            segment_give(seg, *ref);
}

/* Writes the pages that are new; on failure none of them is left. */
static int write_pages(struct segment *seg, const struct table_page_parts *parts, size_t n, struct page_refs old,
                       uint64_t *ret_refs)
{
    int err = 0;
    size_t k = 0;
    for (uint64_t *ref = ret_refs; k < n && !err; ref += table_page_count(&parts[k++])) {
        if (parts[k].staged)
            *ref = parts[k].staged;
        else if (reads_the_same(seg, &parts[k], old))
            memcpy(ref, &old.at[parts[k].kept], table_page_count(&parts[k]) * sizeof *ref);
        else
            err = segment_put_page(seg, parts[k].words, parts[k].n_words, ref);
    }
    if (err)
        give_new_pages(seg, &(struct page_list){parts, k - 1, ret_refs}, old);
    return err;
}

/* Whether counts and largest weight are the same; the key is. */
static bool same_head(const struct segment *seg, uint64_t ref, const struct block_parts *p)
{
    const uint64_t *at = segment_words(seg, ref);
    return at[TABLE_B_COUNTS] == p->counts &&
           at[TABLE_BLOCK_HEADER_WORDS + p->key_words + TABLE_D_WEIGHT] == p->body[0];
}

static bool all_kept(const struct page_list *list, struct page_refs old)
{
    size_t at = 0;
    for (size_t k = 0; k < list->n; at += table_page_count(&list->parts[k++]))
        if (!is_kept(&list->parts[k], list->refs[at], old) || list->parts[k].kept != at)
            return false;
    return at == old.n;
}

/* Pages that are kept must be there, and in the same order. Returns how many there are in all; 0: that is not so. */
static size_t count_in_order(const struct table_page_parts *parts, size_t n, struct page_refs old)
{
    size_t pages = 0;
    uint64_t least = 0;
    for (size_t k = 0; k < n; pages += table_page_count(&parts[k++])) {
        bool is_new = parts[k].kept == TABLE_PAGE_NEW, there = parts[k].words || parts[k].staged;
        uint64_t end = (uint64_t)parts[k].kept + table_page_count(&parts[k]);
        if (is_new ? !there : parts[k].kept < least || end > old.n)
            return 0;
        least = is_new ? least : end;
    }
    return pages;
}

int segment_put_pages(struct segment *seg, struct block_parts *p, uint64_t *directory, uint64_t largest_weight,
                      const struct table_page_parts *parts, size_t n_parts)
{
    uint64_t ref;
    uint32_t slot = 0;
    bool known;
    uint64_t old_ref = present(seg, block_parts_key(p), block_parts_key_bytes(p), &known, &slot);
    const struct page_refs old = segment_page_refs(seg, old_ref);
    const struct page_list list = {parts, n_parts, directory + TABLE_DIRECTORY_WORDS};
    size_t n_pages = count_in_order(parts, n_parts, old);
    if (n_pages == 0)
        return -EINVAL;
    p->body = directory;
    p->body_words = TABLE_DIRECTORY_WORDS + n_pages;
    directory[TABLE_D_WEIGHT] = largest_weight;
    int err = write_pages(seg, parts, n_parts, old, directory + TABLE_DIRECTORY_WORDS);
    if (err)
        return err;
    if (all_kept(&list, old) && same_head(seg, old_ref, p))
        return 0;
    err = write_block(seg, p, &ref);
    if (!err)
        err = publish(seg, p, known, slot, ref | TABLE_REF_PAGED, &list);
    if (err < 0)
        give_new_pages(seg, &list, old);
    return err;
}

void segment_remove(struct segment *seg, const char *key, size_t key_bytes)
{
    uint32_t slot;
    if (table_find(&seg->table, key, key_bytes, &slot) < 0)
        return;
    uint64_t old = segment_publish(seg, slot, 0);
    release(seg, old, &(struct page_list){0});
    segment_remove_slot(seg, table_key_hash(&seg->table, key, key_bytes), slot);
}
