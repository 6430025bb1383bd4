/* SPDX-License-Identifier: Apache-2.0 */
/* A block whose key has another length: what it says of places within itself moves. */
#include "daemon/catalog/table_copy.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/table_key.h"

static void move_offsets(struct table_view *v, uint64_t back)
{
    for (uint32_t i = 0; i < v->n_total; i++) {
        uint64_t *word = v->words + v->offsets + i / 2, shift = i % 2 * 32;
        uint64_t offset = (uint32_t)(*word >> shift) - back;
        *word = (*word & ~((uint64_t)UINT32_MAX << shift)) | (offset & UINT32_MAX) << shift;
    }
}

void table_copy_forget_region(struct table_view *v)
{
    size_t name = table_key_name_bytes(table_view_key(v), v->key_bytes);
    uint64_t body = TABLE_BLOCK_HEADER_WORDS + (name + 7) / 8, back = v->body - body;
    move_offsets(v, back);
    memset((char *)(v->words + TABLE_BLOCK_HEADER_WORDS) + name, 0, v->key_bytes - name);
    memmove(v->words + body, v->words + v->body, (v->n_words - v->body) * sizeof *v->words);
    v->words[TABLE_B_KIND] = (uint64_t)name << 8 | v->kind;
    v->key_bytes = name;
    v->body = body;
    v->offsets -= back;
    v->n_words -= back;
}

int table_copy_service(struct table_writer *w, const char *from, const char *to, struct table_view *view)
{
    int err = table_view_find(table_writer_table(w), from, strlen(from), view);
    if (err || view->kind != TABLE_SERVICE)
        return err ? err : -ENOENT;
    size_t body = TABLE_BLOCK_HEADER_WORDS + (strlen(to) + 7) / 8;
    move_offsets(view, view->body - body);
    return table_writer_put(w, TABLE_SERVICE, to, strlen(to), view->n_first, view->n_total, view->words + view->body,
                            view->n_words - view->body);
}
