/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the keys of one segment into another, slot by slot. */
#include "daemon/catalog/table_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/table_put.h"

/* What a slot counts for at least, as much as a small block: an empty one has to be looked at, too. */
#define SLOT_WORDS 16

/* --- a service of pages --- */

#define LOOK_AHEAD 64 /* pages that may have come or gone between two that stayed */

static void give_copies(struct table_move *m)
{
    for (size_t k = 0; k < m->paged.n; k++)
        segment_give(&m->to, m->paged.to[k]);
}

static void paged_end(struct table_move *m)
{
    free(m->paged.from);
    free(m->paged.to);
    m->paged = (struct paged_move){0};
}

/* The copy of a page that was copied already; 0: it was not. *at is behind the last that was found. */
static uint64_t copy_of(struct paged_move *l, uint64_t ref, size_t *at)
{
    for (size_t k = *at; k < l->n && k < *at + LOOK_AHEAD; k++)
        if (l->from[k] == ref) {
            uint64_t copy = l->to[k];
            l->to[k] = 0;
            *at = k + 1;
            return copy;
        }
    return 0;
}

/* Memory that was freed and used again may look like the page that was there. */
static bool was_recycled(const struct paged_move *l, const struct segment *from)
{
    return table_load(&from->words[TABLE_H_RECYCLED]) > l->published;
}

/* Begins with what the directory has now. Copies of pages that are still in it are kept. */
static int look_anew(struct table_move *m, const struct segment *from, uint32_t slot, uint64_t ref)
{
    struct paged_move before = m->paged;
    struct page_refs refs = segment_page_refs(from, ref);
    struct paged_move l = {.on = true, .slot = slot, .ref = ref, .n = refs.n, .published = from->published};
    l.from = malloc(refs.n * sizeof *l.from);
    l.to = calloc(refs.n, sizeof *l.to);
    if (!l.from || !l.to) {
        free(l.from);
        free(l.to);
        return -ENOMEM;
    }
    memcpy(l.from, refs.at, refs.n * sizeof *l.from);
    if (before.on && before.slot == slot && !was_recycled(&before, from)) {
        l.published = before.published;
        for (size_t k = 0, at = 0; k < l.n; k++)
            l.to[k] = copy_of(&before, l.from[k], &at);
    }
    give_copies(m);
    paged_end(m);
    m->paged = l;
    return 0;
}

/* Puts the directory of the copies. */
static int paged_put(struct table_move *m, const struct segment *from)
{
    struct paged_move *l = &m->paged;
    struct block_parts p = segment_parts(from, l->ref);
    uint64_t largest_weight = p.body[TABLE_D_WEIGHT];
    struct table_page_parts *parts = calloc(l->n, sizeof *parts);
    uint64_t *directory = malloc((TABLE_DIRECTORY_WORDS + l->n) * sizeof *directory);
    for (size_t k = 0; k < l->n && parts; k++)
        parts[k] = (struct table_page_parts){.staged = l->to[k], .kept = TABLE_PAGE_NEW};
    int err = parts && directory ? segment_put_pages(&m->to, &p, directory, largest_weight, parts, l->n) : -ENOMEM;
    free(directory);
    free(parts);
    if (err >= 0)
        paged_end(m);
    return err < 0 ? err : 1;
}

/* 1: it is there. */
static int copy_paged(struct table_move *m, const struct segment *from, uint32_t slot, uint64_t ref, uint64_t words,
                      uint64_t *done)
{
    struct paged_move *l = &m->paged;
    bool is_same = l->on && l->ref == ref && !was_recycled(l, from);
    int err = is_same ? 0 : look_anew(m, from, slot, ref);
    for (; !err && l->at < l->n && *done < words; l->at++) {
        uint64_t page = l->from[l->at], n = table_ref_words(page);
        if (l->to[l->at])
            continue;
        err = segment_put_page(&m->to, segment_words(from, page), n, &l->to[l->at]);
        *done += n;
    }
    if (err || l->at < l->n)
        return err;
    *done += l->n;
    return paged_put(m, from);
}

/* --- slots --- */

/* 1: it is there, or there is nothing. */
static int copy_slot(struct table_move *m, const struct segment *from, uint32_t slot, uint64_t words, uint64_t *done)
{
    uint64_t ref = segment_ref(from, slot), n = table_ref_words(ref);
    bool is_paged = ref & TABLE_REF_PAGED;
    if (m->paged.on && (m->paged.slot != slot || !is_paged)) {
        give_copies(m);
        paged_end(m);
    }
    if (is_paged)
        return copy_paged(m, from, slot, ref, words, done);
    *done += n > SLOT_WORDS ? n : SLOT_WORDS;
    if (n == 0)
        return 1;
    const struct block_parts p = segment_parts(from, ref);
    int err = segment_put(&m->to, &p);
    return err < 0 ? err : 1;
}

bool table_move_has(const struct table_move *m, uint32_t slot)
{
    for (uint32_t k = 0; k < m->n_again; k++)
        if (m->again[k] == slot)
            return false;
    return slot < m->slot;
}

int table_move_again(struct table_move *m, uint32_t slot, const char *key, size_t key_bytes)
{
    if (m->n_again == MOVE_AGAIN_MAX)
        return -ENOSPC;
    segment_remove(&m->to, key, key_bytes);
    m->again[m->n_again++] = slot;
    return 0;
}

int table_move_begin(struct table_move *m, int fd, uint64_t words, uint64_t seed)
{
    int err = segment_init(&m->to, fd, words, seed);
    m->on = !err;
    m->slot = m->n_again = 0;
    return err;
}

int table_move_some(struct table_move *m, const struct segment *from, uint64_t words)
{
    for (uint64_t done = 0; done < words && (m->slot < from->slots_used || m->n_again > 0);) {
        bool first = m->slot < from->slots_used;
        int copied = copy_slot(m, from, first ? m->slot : m->again[m->n_again - 1], words, &done);
        if (copied < 0)
            return copied;
        m->slot += first && copied;
        m->n_again -= !first && copied;
    }
    return m->slot >= from->slots_used && m->n_again == 0;
}

void table_move_cancel(struct table_move *m)
{
    paged_end(m);
    if (m->on)
        segment_fini(&m->to);
    m->on = false;
}
