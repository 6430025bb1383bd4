/* SPDX-License-Identifier: Apache-2.0 */
/* Takes values out of JSON documents, and prints them as words. */
#include "daemon/ctl/document_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "daemon/ctl/terminal.h"

#define LINE_INDENT 15 /* where what a line says begins */

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

double seconds_of(const json_t *object, const char *key)
{
    return (double)number_of(object, key) / 1000;
}

bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

bool has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

const char *duration(int64_t ms)
{
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];
    int64_t s = ms / 1000;
    if (ms < 10000)
        snprintf(text, sizeof texts[0], "%.1f s", (double)ms / 1000);
    else if (s < 120)
        snprintf(text, sizeof texts[0], "%" PRId64 " s", s);
    else if (s < 7200)
        snprintf(text, sizeof texts[0], "%" PRId64 " m %" PRId64 " s", s / 60, s % 60);
    else if (s < 172800)
        snprintf(text, sizeof texts[0], "%" PRId64 " h %" PRId64 " m", s / 3600, s / 60 % 60);
    else
        snprintf(text, sizeof texts[0], "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
    return text;
}

void line(FILE *out, const char *about, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    styled(out, STYLE_DIM, "      %-9s", about);
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    wrapped(out, LINE_INDENT, terminal_width(out), text ? text : "");
    free(text);
    fputc('\n', out);
}

const char *count(int64_t n, const char *what)
{
    static char texts[4][48];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], "%" PRId64 " %s%s", n, what, n == 1 ? "" : "s");
    return text;
}

void heading(FILE *out, const char *text)
{
    fputc('\n', out);
    styled(out, STYLE_BOLD, "%s", text);
    fputc('\n', out);
}

void print_address(const json_t *instance, FILE *out)
{
    bool ipv6 = !has(instance, "ipv4") && has(instance, "ipv6");
    const char *address = text_of(instance, has(instance, "ipv4") ? "ipv4" : ipv6 ? "ipv6" : "hostname");
    if (*address)
        fprintf(out, ipv6 ? "[%s]:%" PRId64 : "%s:%" PRId64, address, number_of(instance, "port"));
    else
        fputs("no address", out);
}

void print_each(const json_t *document, const char *list, const char *title,
                void (*print)(const json_t *one, FILE *out), FILE *out)
{
    size_t i;
    const json_t *one, *all = json_object_get(document, list);
    if (title && json_array_size(all) > 0)
        heading(out, title);
    json_array_foreach(all, i, one) print(one, out);
}
