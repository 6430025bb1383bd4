/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the pages of a large service ahead of its block, a few at a time, when so many have changed that all of them at once
 * would keep the loop: they lie in the table unseen, until the block that lists them is put. One service at a time.
 */
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/catalog/model.h"

#define SETTLE_PIECE 64 /* instances */
#define STAGE_PIECE  4  /* pages */

/*
 * What goes on changing is written all the same: after so many pieces more than all its present pages need, they are twice as
 * large, and so on.
 */
#define PIECES_MORE 32

void staging_took(struct catalog *c, struct order_page *p, bool answered)
{
    struct staged_page *taken = page_is_staged(p) ? &c->staging.pages[p->staged - 1] : NULL;
    if (taken)
        *taken = (struct staged_page){.answer = answered ? 0 : taken->answer};
    p->staged = 0;
}

static void give_back(struct catalog *c, struct staged_page *page)
{
    table_writer_unstage(c->table, page->own);
    table_writer_unstage(c->table, page->answer);
    *page = (struct staged_page){0};
}

void staging_end(struct catalog *c)
{
    struct staging *g = &c->staging;
    for (uint32_t k = 0; g->of && k < g->of->order.n; k++) {
        struct order_page *p = &g->of->order.pages[k];
        p->dirty |= p->staged != 0;
        p->staged = 0;
    }
    bool there = g->generation == table_writer_generation(c->table);
    for (uint32_t k = 0; k < g->n && there; k++)
        give_back(c, &g->pages[k]);
    g->of = NULL;
    g->n = 0;
}

bool staging_of(struct catalog *c, const struct service *s)
{
    if (c->staging.of == s && c->staging.generation != table_writer_generation(c->table))
        staging_end(c);
    return c->staging.of == s;
}

static void begin(struct catalog *c, struct service *s)
{
    staging_end(c);
    c->staging.of = s;
    c->staging.generation = table_writer_generation(c->table);
    c->staging.pieces = 0;
    c->staging.piece_pages = STAGE_PIECE;
}

static uint32_t count_unwritten(const struct service_order *o)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < o->n; k++)
        n += page_is_unwritten(&o->pages[k]);
    return n;
}

static int stage_both(struct catalog *c, const struct service *s, const struct table_page_parts *page,
                      struct staged_page *ret_staged)
{
    char key[BLOCK_KEY_CAP];
    size_t key_bytes = blocks_service_key(c, s->name, key);
    *ret_staged = (struct staged_page){0};
    int result = table_writer_stage(c->table, key, key_bytes, page, &ret_staged->own), answered = 0;
    if (result >= 0 && blocks_answer_alike(c, s))
        answered = table_writer_stage(c->table, s->name, strlen(s->name), page, &ret_staged->answer);
    if (answered < 0) {
        give_back(c, ret_staged);
        return answered;
    }
    return result < 0 ? result : result | answered;
}

/* Where the page is noted: in the place of what it was before, which is given back, or in a new one. NULL: no memory. */
static struct staged_page *place_of(struct catalog *c, struct order_page *p)
{
    struct staging *g = &c->staging;
    if (!p->staged && array_grow(&g->pages, g->n, &g->cap, sizeof *g->pages) < 0)
        return NULL;
    if (p->staged)
        give_back(c, &g->pages[p->staged - 1]);
    else
        g->pages[(p->staged = ++g->n) - 1] = (struct staged_page){0};
    return &g->pages[p->staged - 1];
}

static int stage(struct catalog *c, const struct service *s, struct order_page *p)
{
    struct table_page_parts page = {.kept = p->kept};
    int result = blocks_lay_page(c, p, &page.n_words);
    page.words = c->body;
    struct staged_page staged, *place = result ? NULL : place_of(c, p);
    if (!place)
        return -ENOMEM;
    result = stage_both(c, s, &page, &staged);
    if (result < 0)
        return result;
    *place = staged;
    p->dirty = false;
    return 0;
}

static uint32_t next_piece(struct staging *g)
{
    if (g->pieces++ > g->of->order.n / g->piece_pages + PIECES_MORE) {
        g->pieces = 0;
        g->piece_pages *= 2;
    }
    return g->piece_pages;
}

static int stage_some(struct catalog *c, struct service *s)
{
    int err = 0;
    uint32_t n = 0, most = next_piece(&c->staging);
    for (uint32_t k = 0; k < s->order.n && n < most && !err && staging_of(c, s); k++)
        if (page_is_unwritten(&s->order.pages[k])) {
            err = stage(c, s, &s->order.pages[k]);
            n++;
        }
    return err;
}

bool blocks_write_ahead(struct catalog *c, struct service *s)
{
    if (s->n <= WHOLE_MAX || service_settle(s, SETTLE_PIECE) < 0)
        return true;
    if (s->changed || !labels_gather(s))
        return false;
    bool begun = staging_of(c, s);
    if (count_unwritten(&s->order) <= (begun ? c->staging.piece_pages : STAGE_PIECE))
        return true;
    if (!begun && blocks_answer_alike(c, s) && !s->answer_paged)
        blocks_forget_pages(s);
    if (!begun)
        begin(c, s);
    return stage_some(c, s) < 0;
}
