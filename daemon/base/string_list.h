/* SPDX-License-Identifier: Apache-2.0 */
/* A list of strings that owns them. All zeros is an empty list. One thread at a time. */
#ifndef BASE_STRING_LIST_H
#define BASE_STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct string_list {
    char **items;
    size_t n;
};

/* Appends a copy. -ENOMEM. */
int string_list_add(struct string_list *l, const char *text);
bool string_list_has(const struct string_list *l, const char *text);

/* The same strings in the same order. */
bool string_list_equal(const struct string_list *a, const struct string_list *b);

/* Leaves an empty list. */
void string_list_fini(struct string_list *l);

#endif
