/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the blocks of the shared table together from the catalog; their layout is in table_format.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/entry.h"

int blocks_reserve(struct catalog *c, size_t words)
{
    if (words <= c->body_cap)
        return 0;
    size_t cap = words + words / 2;
    uint64_t *body = realloc(c->body, cap * sizeof *body);
    if (!body)
        return -ENOMEM;
    c->body = body;
    c->body_cap = cap;
    return 0;
}

size_t blocks_key(const struct catalog *c, const char *name, char ret_key[static BLOCK_KEY_CAP])
{
    char *end = stpcpy(ret_key, name);
    if (*c->of_region)
        end = stpcpy(stpcpy(end, "@"), c->of_region);
    return (size_t)(end - ret_key);
}

static int put(struct catalog *c, enum table_kind kind, const char *name, uint32_t n_first, uint32_t n_total,
               size_t body_words)
{
    char key[BLOCK_KEY_CAP];
    size_t n = blocks_key(c, name, key);
    return table_writer_put(c->table, kind, key, n, n_first, n_total, c->body, body_words);
}

int blocks_drop(struct catalog *c, const char *name)
{
    char key[BLOCK_KEY_CAP];
    size_t n = blocks_key(c, name, key);
    return blocks_drop_key(c, key, n);
}

int blocks_drop_key(struct catalog *c, const char *key, size_t n)
{
    uint32_t slot;
    if (table_find(table_writer_table(c->table), key, n, &slot) < 0)
        return 0;
    table_writer_remove(c->table, key, n);
    return 1;
}

int blocks_write_domain(struct catalog *c, struct domain *d)
{
    char key[LABEL_CAP + 1];
    snprintf(key, sizeof key, "%s/", d->name);
    if (d->n == 0)
        return blocks_drop(c, key);
    if (blocks_reserve(c, words_for((size_t)d->n * (LABEL_MAX + 1) + 1)) < 0)
        return -ENOMEM;
    uint8_t *at = (uint8_t *)c->body;
    for (const struct service *s = d->services; s; s = s->next_of_domain) {
        const char *name = s->name + strlen(d->name) + 1;
        size_t n = strlen(name);
        *at++ = (uint8_t)n;
        memcpy(at, name, n);
        at += n;
    }
    size_t used = (size_t)(at - (uint8_t *)c->body);
    size_t words = words_for(used + 1);
    memset(at, 0, words * 8 - used);
    return put(c, TABLE_DOMAIN, key, d->n, d->n, words);
}

int blocks_write_host(struct catalog *c, struct host *h)
{
    char key[LABEL_CAP + 1];
    snprintf(key, sizeof key, "@%s", h->name);
    if (!h->listed)
        return blocks_drop(c, key);
    if (blocks_reserve(c, words_for(ENTRY_MAX)) < 0)
        return -ENOMEM;
    size_t n = host_entry_write(&h->lease, h->alive, (uint8_t *)c->body);
    memset((uint8_t *)c->body + n, 0, words_for(n) * 8 - n);
    return put(c, TABLE_HOST, key, 0, h->n, words_for(n));
}
