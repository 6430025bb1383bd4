/* SPDX-License-Identifier: Apache-2.0 */
/* A list of strings that owns them. */
#include "daemon/base/string_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int string_list_add(struct string_list *l, const char *text)
{
    char **items = realloc(l->items, (l->n + 1) * sizeof *items);
    if (!items)
        return -ENOMEM;
    l->items = items;
    items[l->n] = strdup(text);
    if (!items[l->n])
        return -ENOMEM;
    l->n++;
    return 0;
}

bool string_list_has(const struct string_list *l, const char *text)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->items[i], text) == 0)
            return true;
    return false;
}

bool string_list_equal(const struct string_list *a, const struct string_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

void string_list_fini(struct string_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct string_list){NULL, 0};
}
