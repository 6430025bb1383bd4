/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that comes from others, made fit for a terminal: one that shows what it is given would be told by it to move, to change
 * its colours, or to show a line in another order than it is. So control characters, those of Unicode for the direction of
 * writing (UAX #9: U+202E and its kin), and bytes that are no UTF-8 do not get there. One thread.
 */
#ifndef CTL_PRINTABLE_H
#define CTL_PRINTABLE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Puts question marks for their bytes, in a text of n bytes; lines: which may keep its tabs and the ends of its lines. */
void printable_text(char *text, size_t n, bool lines);

/* Prints a text in which they have been put, as fprintf. Without memory for it nothing is shown. */
void printable_print(FILE *out, bool lines, const char *format, ...) __attribute__((format(printf, 3, 4)));
void printable_vprint(FILE *out, bool lines, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/* The same in all texts of a document (NULL: of none); only those under "output" may have lines. */
void printable_document(json_t *document);

/*
 * Prints a document as JSON, as json_dumpf with these flags, but with such characters escaped: who reads it as JSON gets
 * the text as it was. False: it could not be printed, or is NULL.
 */
bool printable_json(const json_t *document, size_t flags, FILE *out);

#endif
