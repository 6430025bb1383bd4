/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes query strings and percent-encoding. */
#include "daemon/http/query_string.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "libdiscover/core/hex.h"

/* Decodes the character at *at, which moves behind it; -1: there is none. */
static int next_character(const char **at, const char *end)
{
    const char *start = *at;
    if (*start != '%') {
        *at = start + 1;
        return (unsigned char)*start;
    }
    bool whole = end - start >= 3;
    int high = whole ? hex_value_of_any_case(start[1]) : -1, low = whole ? hex_value_of_any_case(start[2]) : -1;
    *at = start + 3;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* form: '+' stands for a blank, as in forms. */
static int decode(const char *bytes, size_t n, bool form, char *ret_text, size_t cap)
{
    const char *end = bytes + n;
    size_t used = 0;
    while (bytes < end) {
        bool blank = form && *bytes == '+';
        int c = next_character(&bytes, end);
        if (c < ' ' || c == 0x7f)
            return -EINVAL;
        if (used + 1 >= cap)
            return -E2BIG;
        ret_text[used++] = blank ? ' ' : (char)c;
    }
    ret_text[used] = '\0';
    return 0;
}

int percent_decode(const char *bytes, size_t n, char *ret_text, size_t cap)
{
    return decode(bytes, n, false, ret_text, cap);
}

int query_next(const char **cursor, const char *name, char *ret_value, size_t cap)
{
    size_t name_n = strlen(name);
    while (**cursor) {
        const char *pair = *cursor;
        size_t n = strcspn(pair, "&"), key_n = strcspn(pair, "=&");
        *cursor = pair + n + (pair[n] == '&');
        if (key_n != name_n || memcmp(pair, name, name_n) != 0)
            continue;
        const char *value = pair + key_n + (key_n < n);
        int err = decode(value, (size_t)(pair + n - value), true, ret_value, cap);
        return err < 0 ? err : 1;
    }
    return 0;
}

int query_first(const char *query, const char *name, char *ret_value, size_t cap)
{
    return query_next(&query, name, ret_value, cap);
}
