/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to a terminal looks otherwise than what goes to a file: colours, and rows no wider than it is. One thread.
 *
 * Colours: only on a terminal that has them, and never where NO_COLOR is set (no-color.org).
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARNING, STYLE_BAD };

/* As fprintf, in a style where out has colours. */
void styled(FILE *out, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* How wide out is, in columns; 0: it is no terminal, and has no width. */
size_t terminal_width(FILE *out);

/*
 * A text that begins at column indent, broken at blanks where max_width columns are not enough (0: never); what follows stands
 * below its beginning.
 */
void wrapped(FILE *out, size_t indent, size_t max_width, const char *text);

/*
 * Rows of cells, printed with each column as wide as its widest cell, two blanks apart. Where that is wider than the
 * terminal, the first column gives way: it is cut, and ends with an ellipsis.
 */
#define ROWS_COLUMNS_MAX 8

struct row {
    char *cells[ROWS_COLUMNS_MAX];
    enum style style;
};

struct rows {
    size_t n_columns, n, cap;
    struct row *rows;
    size_t width[ROWS_COLUMNS_MAX];
};

void rows_init(struct rows *r, size_t n_columns);
void rows_fini(struct rows *r);

/* n_columns texts, which are copied. Without memory for it the row is left out. */
void rows_add(struct rows *r, enum style style, const char *const *cells);
void rows_print(const struct rows *r, FILE *out, size_t max_width);

#endif
