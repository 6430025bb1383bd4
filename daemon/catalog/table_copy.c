/* SPDX-License-Identifier: Apache-2.0 */
/* A block whose key has another length: what it says of places within itself moves. */
#include "daemon/catalog/table_copy.h"

#include <errno.h>
#include <string.h>

static void move_offsets(struct table_view *v, uint64_t back)
{
    for (uint32_t i = 0; i < v->n_total; i++) {
        uint64_t *word = v->words + v->offsets + i / 2, shift = i % 2 * 32;
        uint64_t offset = (uint32_t)(*word >> shift) - back;
        *word = (*word & ~((uint64_t)UINT32_MAX << shift)) | (offset & UINT32_MAX) << shift;
    }
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
