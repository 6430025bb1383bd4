/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a check's last run, made fit to be shown. */
#include "daemon/check/check_output.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/utf8.h"

/* Length of a character, a line end or a tab, which are shown as they are; 0: it is none of these. */
static size_t shown_length(const uint8_t *text, size_t n)
{
    return *text == '\n' || *text == '\t' ? 1 : utf8_length(text, n);
}

/* Whether the n bytes are all in the middle of a character. */
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
        size_t length = shown_length(from + i, n - i);
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

void check_output_set(struct check_output *s, const char *bytes, size_t n, size_t max)
{
    if (n > max)
        n = max;
    if (n + 1 > s->cap || s->cap > 4 * (n + 64)) { /* the buffer also shrinks after one long answer */
        char *text = realloc(s->text, n + 1);
        if (!text)
            return;
        s->text = text;
        s->cap = n + 1;
    }
    s->n = clean(s->text, (const uint8_t *)bytes, n);
    s->text[s->n] = '\0';
}

void check_output_fini(struct check_output *s)
{
    free(s->text);
    *s = (struct check_output){NULL, 0, 0};
}

size_t check_output_line(const struct check_output *s)
{
    return s->text ? strcspn(s->text, "\n") : 0;
}
