/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a command line at spaces, for tests. */
#include "tests/unit/ctl/command_line.h"

#include <stddef.h>
#include <string.h>

#define WORDS_MAX 40

char **command_line(const char *text)
{
    static char copy[1024];
    static char *words[WORDS_MAX + 1];
    size_t n = 0;
    strncpy(copy, text, sizeof copy - 1);
    for (char *word = strtok(copy, " "); word && n < WORDS_MAX; word = strtok(NULL, " "))
        words[n++] = word;
    words[n] = NULL;
    return words;
}
