/* SPDX-License-Identifier: Apache-2.0 */
/* Text that comes from others, made fit for a terminal. */
#include "daemon/ctl/printable.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/utf8.h"

/* Unicode's property Bidi_Control. */
static bool is_bidi_control(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Of a UTF-8 character of two or three bytes; 0: it has another length. */
static uint32_t code_point(const char *text, size_t length)
{
    const uint8_t *s = (const uint8_t *)text;
    return length == 2   ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu)
           : length == 3 ? (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu)
                         : 0;
}

/* Bytes of the character that a text of n > 0 bytes begins with; 0: a terminal does not get it. */
static size_t printable_length(const char *text, size_t n)
{
    size_t length = utf8_length((const uint8_t *)text, n);
    return is_bidi_control(code_point(text, length)) ? 0 : length;
}

void printable_text(char *text, size_t n, bool lines)
{
    size_t length;
    for (size_t i = 0; i < n; i += length ? length : 1) {
        length = lines && (text[i] == '\n' || text[i] == '\t') ? 1 : printable_length(text + i, n - i);
        if (!length)
            text[i] = '?';
    }
}

void printable_vprint(FILE *out, bool lines, const char *format, va_list args)
{
    char *text;
    int n = vasprintf(&text, format, args);
    if (n < 0)
        return;
    printable_text(text, (size_t)n, lines);
    fputs(text, out);
    free(text);
}

void printable_print(FILE *out, bool lines, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printable_vprint(out, lines, format, args);
    va_end(args);
}

/* Without memory for it nothing is shown. */
static void make_string_printable(json_t *value, bool lines)
{
    size_t n = json_string_length(value);
    char *text = malloc(n + 1);
    if (text)
        printable_text(memcpy(text, json_string_value(value), n), n, lines);
    (void)json_string_setn_nocheck(value, text ? text : "", text ? n : 0);
    free(text);
}

static void make_value_printable(json_t *value, const char *key)
{
    const char *name;
    json_t *inner;
    size_t i;
    if (json_is_string(value))
        make_string_printable(value, strcmp(key, "output") == 0);
    json_array_foreach(value, i, inner) make_value_printable(inner, key);
    json_object_foreach(value, name, inner) make_value_printable(inner, name);
}

void printable_document(json_t *document)
{
    make_value_printable(document, "");
}

/* jansson has escaped what JSON demands: left are DEL and characters of two or three bytes. */
static void print_escaped(const char *text, size_t n, FILE *out)
{
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        length = text[i] == '\n' ? 1 : printable_length(text + i, n - i);
        if (length) {
            (void)fwrite(text + i, 1, length, out);
            continue;
        }
        length = (uint8_t)text[i] < 0x80 ? 1 : (uint8_t)text[i] < 0xe0 ? 2 : 3;
        fprintf(out, "\\u%04X", length == 1 ? (unsigned)text[i] : (unsigned)code_point(text + i, length));
    }
}

bool printable_json(const json_t *document, size_t flags, FILE *out)
{
    char *text = document ? json_dumps(document, flags) : NULL;
    if (!text)
        return false;
    print_escaped(text, strlen(text), out);
    free(text);
    return !ferror(out);
}
