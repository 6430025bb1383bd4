/* SPDX-License-Identifier: Apache-2.0 */
/* What a check has said last. */
#include "daemon/check/said.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character at text, or 0: it is none (RFC 3629 section 4, with surrogates and overlong forms left out). */
static size_t utf8_length(const uint8_t *text, size_t n)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max, length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = forms[i].length;
        if (text[0] < forms[i].first_min || text[0] > forms[i].first_max)
            continue;
        bool ok = length <= n && text[1] >= forms[i].second_min && text[1] <= forms[i].second_max;
        for (size_t k = 2; k < length && ok; k++)
            ok = (text[k] & 0xc0) == 0x80;
        return ok ? length : 0;
    }
    return 0;
}

static bool is_plain(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

/* Whether all of them are within a character. */
static bool rest_follows(const uint8_t *text, size_t n)
{
    size_t i = 0;
    while (i < n && (text[i] & 0xc0) == 0x80)
        i++;
    return i == n;
}

static size_t clean(char *to, const uint8_t *from, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        size_t length = from[i] < 0x80 ? is_plain(from[i]) : utf8_length(from + i, n - i);
        bool cut = !length && i + 3 >= n && from[i] >= 0xc2 && from[i] <= 0xf4 && rest_follows(from + i + 1, n - i - 1);
        bool left_out = from[i] == '\r' || cut;
        if (length)
            memcpy(to + out, from + i, length);
        else if (!left_out)
            to[out] = '?';
        out += length ? length : !left_out;
        i += length ? length : 1;
    }
    while (out > 0 && (to[out - 1] == '\n' || to[out - 1] == ' '))
        out--;
    return out;
}

void said_set(struct said *s, const char *bytes, size_t n, size_t max)
{
    if (n > max)
        n = max;
    if (n + 1 > s->cap || s->cap > 4 * (n + 64)) { /* also gives back what one long answer has taken */
        char *text = realloc(s->text, n + 1);
        if (!text)
            return;
        s->text = text;
        s->cap = n + 1;
    }
    s->n = clean(s->text, (const uint8_t *)bytes, n);
    s->text[s->n] = '\0';
}

void said_fini(struct said *s)
{
    free(s->text);
    *s = (struct said){NULL, 0, 0};
}

size_t said_line(const struct said *s)
{
    return s->text ? strcspn(s->text, "\n") : 0;
}
