/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1) and what stands behind the '?' of a target. Pure; any bytes. */
#ifndef HTTP_QUERY_STRING_H
#define HTTP_QUERY_STRING_H

#include <stddef.h>

/*
 * Decodes n bytes into ret_text, with '\0' at its end. -EINVAL: a '%' without two hexadecimal digits, or a control
 * character, which nothing here may contain; -E2BIG: longer than cap.
 */
int percent_decode(const char *bytes, size_t n, char *ret_text, size_t cap);

/* The same with '+' for a blank, as forms have it. */
int percent_decode_form(const char *bytes, size_t n, char *ret_text, size_t cap);

/*
 * The next value of a parameter: *cursor begins as the whole query and moves behind what was found. 1 and the value,
 * which is "" for a name alone; 0: no more; negative as above.
 */
int query_next(const char **cursor, const char *name, char *ret_value, size_t cap);

/* The first one alone. */
int query_first(const char *query, const char *name, char *ret_value, size_t cap);

#endif
