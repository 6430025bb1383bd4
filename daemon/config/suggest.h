/* SPDX-License-Identifier: Apache-2.0 */
/* Which known word somebody meant who mistyped one. Pure; any thread. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/* The nearest of n words; NULL when none is near. Words of over 63 bytes are near to nothing. */
const char *suggest(const char *word, const char *const *words, size_t n);

/* How many letters are to be added, dropped, changed or swapped; UINT_MAX where a word is over 63 bytes. */
unsigned suggest_distance(const char *one, const char *other);

#endif
