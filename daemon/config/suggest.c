/* SPDX-License-Identifier: Apache-2.0 */
/* Which known word somebody meant: by the number of letters to add, drop, change or swap with their neighbour. */
#include "daemon/config/suggest.h"

#include <limits.h>
#include <string.h>

#define WORD_MAX 63

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, of which three rows are kept. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

unsigned suggest_distance(const char *one, const char *other)
{
    return strlen(one) > WORD_MAX || strlen(other) > WORD_MAX ? UINT_MAX : distance(one, other);
}

const char *suggest(const char *word, const char *const *words, size_t n)
{
    const char *nearest = NULL;
    unsigned length = (unsigned)strlen(word);
    unsigned nearest_by = (length < 3 ? 1 : length / 3) + 1; /* more than a third wrong is another word */
    if (length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned by = strlen(words[i]) > WORD_MAX ? WORD_MAX : distance(word, words[i]);
        if (by < nearest_by) {
            nearest = words[i];
            nearest_by = by;
        }
    }
    return nearest;
}
