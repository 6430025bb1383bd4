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
    labels_remove(c, key, n);
    return 1;
}

/*
 * Bytes of names that a domain's block has at most: no DNS answer holds more, since each name takes more bytes there.
 * To list the others, too, with each change of a large domain, would be work for nobody.
 */
#define NAMES_BYTES_MAX 65536
#define NAME_BYTES_MORE 16

static uint8_t *put_name(uint8_t *at, const char *name, size_t n)
{
    *at++ = (uint8_t)n;
    memcpy(at, name, n);
    return at + n;
}

int blocks_write_domain(struct catalog *c, struct domain *d)
{
    char key[LABEL_CAP + 1];
    snprintf(key, sizeof key, "%s/", d->name);
    if (d->n == 0)
        return blocks_drop(c, key);
    if (blocks_reserve(c, table_words(NAMES_BYTES_MAX + LABEL_CAP + 1)) < 0)
        return -ENOMEM;
    uint8_t *at = (uint8_t *)c->body;
    uint32_t listed = 0;
    size_t answer = 0, ahead = strlen(key);
    for (const struct service *s = d->services; s && answer <= NAMES_BYTES_MAX; s = s->next_of_domain, listed++) {
        size_t n = strlen(s->name + ahead);
        at = put_name(at, s->name + ahead, n);
        answer += n + NAME_BYTES_MORE;
    }
    size_t used = (size_t)(at - (uint8_t *)c->body);
    size_t words = table_words(used + 1);
    memset(at, 0, words * 8 - used);
    return put(c, TABLE_DOMAIN, key, listed, listed, words);
}

int blocks_write_host(struct catalog *c, struct host *h)
{
    char key[LABEL_CAP + 1];
    snprintf(key, sizeof key, "@%s", h->name);
    if (!h->listed)
        return blocks_drop(c, key);
    if (blocks_reserve(c, table_words(ENTRY_MAX)) < 0)
        return -ENOMEM;
    size_t n = host_entry_write(&h->lease, h->alive, (uint8_t *)c->body);
    memset((uint8_t *)c->body + n, 0, table_words(n) * 8 - n);
    return put(c, TABLE_HOST, key, 0, h->n, table_words(n));
}
