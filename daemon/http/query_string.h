/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1) and what stands behind the '?' of a target. Pure; any bytes. */
#ifndef HTTP_QUERY_STRING_H
#define HTTP_QUERY_STRING_H

#include <stddef.h>

/*
 * Decodes n bytes into ret_text, and ends it with '\0'. -EINVAL: a '%' without two hexadecimal digits, or a control
 * character, which no text here may contain; -E2BIG: longer than cap.
 */
int percent_decode(const char *bytes, size_t n, char *ret_text, size_t cap);

/*
 * Finds the next value of a parameter, in which '+' is a blank. *cursor is the whole query at first, and moves behind
 * what was found. Returns 1 with the value, which is "" for a name alone; 0 when there is no more; or negative as
 * above.
 */
int query_next(const char **cursor, const char *name, char *ret_value, size_t cap);

/* Finds the first value alone; returns as query_next. */
int query_first(const char *query, const char *name, char *ret_value, size_t cap);

#endif
