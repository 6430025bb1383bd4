/* SPDX-License-Identifier: Apache-2.0 */
/* Output for terminals: colours, and rows that fit into their width. */
#include "daemon/ctl/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ELLIPSIS  "\u2026"
#define FIRST_MIN 12 /* columns of the terminal that the first column of a table keeps at least */

#define WRAPPED_MIN 30 /* columns of the terminal that a wrapped text keeps at least */

static bool has_colours(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void styled(FILE *out, enum style style, const char *format, ...)
{
    static const char *const codes[] = {
        [STYLE_BOLD] = "1", [STYLE_DIM] = "2", [STYLE_GOOD] = "32", [STYLE_WARNING] = "33", [STYLE_BAD] = "31",
    };
    bool on = style != STYLE_PLAIN && has_colours(out);
    va_list args;
    if (on)
        fprintf(out, "\033[%sm", codes[style]);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    if (on)
        fputs("\033[0m", out);
}

size_t terminal_width(FILE *out)
{
    struct winsize size;
    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The columns that n bytes of UTF-8 take, wide characters counted as one. */
static size_t text_width(const char *text, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        width += begins_character(text[i]);
    return width;
}

void wrapped(FILE *out, size_t indent, size_t max_width, const char *text)
{
    size_t room = max_width > indent + WRAPPED_MIN ? max_width - indent : WRAPPED_MIN, used = 0;
    while (*text) {
        size_t n = strcspn(text, " "), width = text_width(text, n);
        if (max_width > 0 && used > 0 && used + 1 + width > room) {
            fprintf(out, "\n%*s", (int)indent, "");
            used = 0;
        }
        fprintf(out, "%s%.*s", used > 0 ? " " : "", (int)n, text);
        used += (used > 0) + width;
        text += n + (text[n] == ' ');
    }
}

void rows_init(struct rows *r, size_t n_columns)
{
    *r = (struct rows){.n_columns = n_columns};
}

void rows_fini(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->n_columns; k++)
            free(r->rows[i].cells[k]);
    free(r->rows);
}

static bool reserve(struct rows *r)
{
    if (r->n < r->cap)
        return true;
    size_t cap = r->cap ? 2 * r->cap : 32;
    struct row *rows = realloc(r->rows, cap * sizeof *rows);
    if (!rows)
        return false;
    r->rows = rows;
    r->cap = cap;
    return true;
}

void rows_add(struct rows *r, enum style style, const char *const *cells)
{
    if (!reserve(r))
        return;
    struct row *row = &r->rows[r->n++];
    row->style = style;
    for (size_t i = 0; i < r->n_columns; i++) {
        size_t width = text_width(cells[i], strlen(cells[i]));
        row->cells[i] = strdup(cells[i]);
        r->width[i] = width > r->width[i] ? width : r->width[i];
    }
}

/* The bytes of as many characters. */
static size_t bytes_of(const char *text, size_t characters)
{
    size_t i = 0;
    for (; text[i]; i++)
        if (begins_character(text[i]) && characters-- == 0)
            break;
    return i;
}

static void print_cell(FILE *out, enum style style, const char *text, size_t width, bool last)
{
    size_t has = text_width(text, strlen(text));
    if (has > width)
        styled(out, style, "%.*s" ELLIPSIS, (int)bytes_of(text, width - 1), text);
    else
        styled(out, style, "%s", text);
    if (!last)
        fprintf(out, "%*s", (int)(has < width ? width - has + 2 : 2), "");
}

/* What is left for the first column. */
static size_t first_width(const struct rows *r, size_t max_width)
{
    size_t others = 0;
    for (size_t i = 1; i < r->n_columns; i++)
        others += r->width[i] + 2;
    if (max_width == 0 || r->width[0] + others <= max_width)
        return r->width[0];
    size_t left = max_width > others ? max_width - others : 0;
    left = left > FIRST_MIN ? left : FIRST_MIN;
    return left < r->width[0] ? left : r->width[0];
}

void rows_print(const struct rows *r, FILE *out, size_t max_width)
{
    size_t first = first_width(r, max_width);
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->n_columns; k++) {
            const char *text = r->rows[i].cells[k];
            print_cell(out, r->rows[i].style, text ? text : "", k ? r->width[k] : first, k + 1 == r->n_columns);
        }
        fputc('\n', out);
    }
}
