/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file and what it includes as one text. */
#include "daemon/config/config_text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/file.h"

#define INCLUDE         "@include"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors begin a file with it */

/* What a byte of a file belongs to. */
enum part { PART_CODE, PART_STRING, PART_LINE_COMMENT, PART_COMMENT };

/* The scan of one file: at is the next byte, line its line. */
struct scan {
    struct config_text *text;
    struct config_report *report;
    const char *file;
    const char *at, *end;
    unsigned line, part_line; /* part_line: where the present part began */
    unsigned depth;
    enum part part;
};

static int scan_file(struct scan *s, const char *path);

int config_report(struct config_report *r, struct config_place place, const char *key, const char *format, ...)
{
    char reason[PATH_MAX + 256], message[2 * PATH_MAX + 512], line[16] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (place.line)
        snprintf(line, sizeof line, ":%u", place.line);
    snprintf(message, sizeof message, "%s%s: %s%s%s", place.file, line, key, *key ? ": " : "", reason);
    r->n++;
    r->fn(r->arg, message);
    return -EINVAL;
}

static struct config_place at_line(const struct scan *s, unsigned line)
{
    return (struct config_place){s->file, line};
}

static int put(struct scan *s, char c)
{
    struct config_text *t = s->text;
    if (t->n >= CONFIG_TEXT_MAX)
        return config_report(s->report, at_line(s, s->line), "", "more than %d bytes with what is included",
                             CONFIG_TEXT_MAX);
    int err = array_grow(&t->bytes, t->n + 1, &t->cap, 1);
    if (err)
        return err;
    t->bytes[t->n++] = c;
    t->bytes[t->n] = '\0';
    return 0;
}

/* Notes that the next line of the joined text is this one of the scan's file. */
static int begin_line(struct scan *s)
{
    struct config_text *t = s->text;
    int err = array_grow(&t->lines, t->n_lines, &t->lines_cap, sizeof *t->lines);
    if (!err)
        t->lines[t->n_lines++] = at_line(s, s->line);
    return err;
}

static int take(struct scan *s)
{
    char c = *s->at++;
    int err = put(s, c);
    if (c != '\n' || err)
        return err;
    s->line++;
    return begin_line(s);
}

static bool starts(const struct scan *s, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(s->end - s->at) >= n && memcmp(s->at, word, n) == 0;
}

static bool at_line_start(const struct scan *s)
{
    const struct config_text *t = s->text;
    size_t n = t->n;
    while (n > 0 && (t->bytes[n - 1] == ' ' || t->bytes[n - 1] == '\t'))
        n--;
    return n == 0 || t->bytes[n - 1] == '\n';
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

/* Takes a name or a number; appends an L to what is an integer and may be over 32 bits. */
static int take_word(struct scan *s)
{
    const char *start = s->at;
    bool hex = starts(s, "0x") || starts(s, "0X"), name = *start > '9';
    int err = 0;
    while (s->at < s->end && (is_word(*s->at) || (name && (*s->at == '-' || *s->at == '*'))) && !err)
        err = take(s);
    size_t n = (size_t)(s->at - start), skip = hex ? 2 : 0;
    bool integer = strspn(start + skip, hex ? "0123456789abcdefABCDEF" : "0123456789") == n - skip;
    return !err && integer && n >= 10 ? put(s, 'L') : err;
}

/* The name in quotes after the directive, relative to the file that includes it. -EINVAL: not a directive. */
static int include_path(struct scan *s, char ret_path[static PATH_MAX])
{
    const char *quote = s->at + strlen(INCLUDE);
    while (quote < s->end && (*quote == ' ' || *quote == '\t'))
        quote++;
    const char *name = quote + 1;
    const char *close = quote < s->end && *quote == '"' ? memchr(name, '"', (size_t)(s->end - name)) : NULL;
    if (!close || close == name || memchr(name, '\n', (size_t)(close - name)))
        return config_report(s->report, at_line(s, s->line), "", "@include needs a file name in quotes");
    const char *slash = *name == '/' ? NULL : strrchr(s->file, '/');
    int folder_n = slash ? (int)(slash + 1 - s->file) : 0;
    int n = snprintf(ret_path, PATH_MAX, "%.*s%.*s", folder_n, s->file, (int)(close - name), name);
    if (n >= PATH_MAX)
        return config_report(s->report, at_line(s, s->line), "", "file name too long");
    s->at = close + 1;
    return 0;
}

static int include(struct scan *s)
{
    char path[PATH_MAX];
    int err = include_path(s, path);
    if (err)
        return err;
    if (s->depth == CONFIG_INCLUDES_MAX)
        return config_report(s->report, at_line(s, s->line), "", "files include each other more than %d deep",
                             CONFIG_INCLUDES_MAX);
    struct scan inner = *s;
    inner.depth++;
    s->text->n_lines--; /* its first line is noted instead of ours */
    err = scan_file(&inner, path);
    return err ? err : begin_line(s);
}

static int take_code(struct scan *s)
{
    char c = *s->at;
    s->part_line = s->line;
    if (c == '"')
        s->part = PART_STRING;
    else if (c == '#' || starts(s, "//"))
        s->part = PART_LINE_COMMENT;
    else if (starts(s, "/*")) {
        s->part = PART_COMMENT;
        int err = take(s); /* takes the star as well, so that it does not end the comment with a slash behind it */
        if (err)
            return err;
    } else if (starts(s, INCLUDE) && at_line_start(s))
        return include(s);
    else if (is_word(c))
        return take_word(s);
    return take(s);
}

static int take_string(struct scan *s)
{
    char c = *s->at;
    if (c == '\n')
        return config_report(s->report, at_line(s, s->part_line), "", "a string is not closed on its line");
    if (c == '"')
        s->part = PART_CODE;
    int err = take(s);
    return c == '\\' && s->at < s->end && *s->at != '\n' && !err ? take(s) : err;
}

static int take_comment(struct scan *s)
{
    bool last = s->part == PART_LINE_COMMENT ? *s->at == '\n' : starts(s, "*/");
    bool two = last && s->part == PART_COMMENT;
    if (last)
        s->part = PART_CODE;
    int err = take(s);
    return two && !err ? take(s) : err;
}

static int scan_bytes(struct scan *s)
{
    int err = begin_line(s);
    while (s->at < s->end && !err) {
        if (*s->at == '\0')
            err = config_report(s->report, at_line(s, s->line), "", "a NUL byte");
        else if (s->part == PART_CODE)
            err = take_code(s);
        else if (s->part == PART_STRING)
            err = take_string(s);
        else
            err = take_comment(s);
    }
    if (!err && s->part == PART_STRING)
        err = config_report(s->report, at_line(s, s->part_line), "", "a string is not closed on its line");
    if (!err && s->part == PART_COMMENT)
        err = config_report(s->report, at_line(s, s->part_line), "", "a comment is not closed");
    return err ? err : put(s, '\n');
}

/* Reported where it is included, or of the file itself if nothing includes it. */
static int unreadable(const struct scan *s, const char *path, int err)
{
    char why[64];
    snprintf(why, sizeof why, "%s", err == -EINVAL ? "not a file" : strerror(-err));
    if (err == -EFBIG)
        snprintf(why, sizeof why, "larger than %d bytes", CONFIG_FILE_MAX);
    return s->depth ? config_report(s->report, at_line(s, s->line), "", "cannot read %s: %s", path, why)
                    : config_report(s->report, at_line(s, 0), "", "cannot be read: %s", why);
}

static int scan_file(struct scan *s, const char *path)
{
    char *bytes;
    size_t n;
    int err = file_read(path, CONFIG_FILE_MAX, &bytes, &n);
    if (err)
        return err == -ENOMEM ? err : unreadable(s, path, err);
    err = string_list_add(&s->text->files, path);
    if (!err) {
        s->file = s->text->files.items[s->text->files.n - 1];
        s->at = bytes + (strncmp(bytes, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0);
        s->end = bytes + n;
        s->line = 1;
        err = scan_bytes(s);
    }
    free(bytes);
    return err;
}

int config_text_read(const char *path, struct config_report *report, struct config_text *ret_text)
{
    *ret_text = (struct config_text){.n = 0};
    struct scan s = {.text = ret_text, .report = report, .file = path};
    return scan_file(&s, path);
}

void config_text_fini(struct config_text *t)
{
    free(t->bytes);
    free(t->lines);
    string_list_fini(&t->files);
}

struct config_place config_text_place(const struct config_text *t, unsigned line)
{
    size_t i = line == 0 ? 0 : line > t->n_lines ? t->n_lines - 1 : line - 1;
    return t->lines[i];
}
