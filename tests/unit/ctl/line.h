/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a command line at spaces, for tests. One line at a time: the words live until the next call. */
#ifndef CTL_LINE_H
#define CTL_LINE_H

#include <string.h>

#define LINE_WORDS_MAX 40

static inline char **line(const char *text)
{
    static char copy[1024];
    static char *words[LINE_WORDS_MAX + 1];
    size_t n = 0;
    strncpy(copy, text, sizeof copy - 1);
    for (char *word = strtok(copy, " "); word && n < LINE_WORDS_MAX; word = strtok(NULL, " "))
        words[n++] = word;
    words[n] = NULL;
    return words;
}

#endif
