/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's documents by their names. */
#include "daemon/registry/explain/document_requests.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/base/log_ring.h"
#include "daemon/base/status_counters.h"
#include "daemon/config/config_keys.h"
#include "daemon/documents/documents.h"
#include "daemon/http/prometheus.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/status_message.h"

#define LOG_WANTED_NS (5 * NS_PER_S) /* a level is kept that long after somebody has asked for it */
#define LOG_LINES_MAX 300            /* in one document */

/* rest: what comes behind the name and a slash. */
typedef int document_fn(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n);

static int text_of(json_t *document, char **ret_text, size_t *ret_n)
{
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (!text)
        return -ENOMEM;
    *ret_text = text;
    *ret_n = strlen(text);
    return 0;
}

static int explain(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    json_t *document;
    int err = explain_document(&reach->explain, rest, &document);
    return err ? err : text_of(document, ret_text, ret_n);
}

static void take_status(void *arg, const struct discover_status *s)
{
    *(json_t **)arg = status_document(s);
}

static void fill_status(const struct document_reach *reach, Discover__V1__Status *ret_status)
{
    discover__v1__status__init(ret_status);
    reach->explain.status(reach->explain.arg, ret_status);
    status_counters_fill(reach->metrics, ret_status);
}

static void take_regions(void *arg, const struct discover_status *s)
{
    *(json_t **)arg = regions_document(s);
}

static int regions(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    Discover__V1__Status message;
    json_t *document = NULL;
    (void)rest;
    fill_status(reach, &message);
    (void)status_message_tell(&message, take_regions, &document);
    return text_of(document, ret_text, ret_n);
}

static int status(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    Discover__V1__Status message;
    json_t *document = NULL;
    (void)rest;
    fill_status(reach, &message);
    (void)status_message_tell(&message, take_status, &document);
    return text_of(document, ret_text, ret_n);
}

static int metrics(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    Discover__V1__Status message;
    struct evbuffer *out = evbuffer_new();
    (void)rest;
    if (!out)
        return -ENOMEM;
    fill_status(reach, &message);
    prometheus_write(reach->metrics, &message, out);
    size_t n = evbuffer_get_length(out);
    char *text = malloc(n + 1);
    if (text) {
        (void)evbuffer_remove(out, text, n);
        text[n] = '\0';
        *ret_text = text;
        *ret_n = n;
    }
    evbuffer_free(out);
    return text ? 0 : -ENOMEM;
}

/* A memory stream's text, which is closed; NULL: no memory. */
static int take_stream(FILE *out, char **text, const size_t *n, char **ret_text, size_t *ret_n)
{
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        return -ENOMEM;
    }
    *ret_text = *text;
    *ret_n = *n;
    return 0;
}

static int config(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    (void)rest;
    if (!out)
        return -ENOMEM;
    config_table_dump(&config_keys, reach->explain.config, out);
    fprintf(out, "# and %zu services\n", reach->explain.config->n_services);
    return take_stream(out, &text, &n, ret_text, ret_n);
}

/* --- the log --- */

static const char *const level_words[] = {[LOG_ERR] = "error",
                                          [LOG_WARNING] = "warning",
                                          [LOG_NOTICE] = "notice",
                                          [LOG_INFO] = "info",
                                          [LOG_DEBUG] = "debug"};

static int level_of(const char *word, size_t n)
{
    for (int level = LOG_ERR; level <= LOG_DEBUG; level++)
        if (level_words[level] && strlen(level_words[level]) == n && memcmp(level_words[level], word, n) == 0)
            return level;
    return -EINVAL;
}

static void add_log_line(void *arg, const struct log_ring_line *line)
{
    (void)json_array_append_new(arg, json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)line->number, "time_ms",
                                               (json_int_t)line->time_ms, "level", level_words[line->level], "text",
                                               line->text));
}

static void print_log_line(void *arg, const struct log_ring_line *line)
{
    char text[32];
    time_t seconds = (time_t)(line->time_ms / 1000);
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    fprintf(arg, "%s.%03dZ %s: %s\n", text, (int)(line->time_ms % 1000), level_words[line->level], line->text);
}

/* All that is kept, as text. */
static int log_text(char **ret_text, size_t *ret_n)
{
    char *text = NULL;
    size_t n = 0;
    uint64_t missed;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return -ENOMEM;
    (void)log_ring_read(0, LOG_DEBUG, SIZE_MAX, print_log_line, out, &missed);
    return take_stream(out, &text, &n, ret_text, ret_n);
}

/* rest: "debug/1234", a level and the number of the last line that is known. */
static int log_lines(const struct document_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    size_t n = strcspn(rest, "/");
    int level = level_of(rest, n);
    uint64_t missed, after = rest[n] ? strtoull(rest + n + 1, NULL, 10) : 0;
    (void)reach;
    if (n == 0)
        return log_text(ret_text, ret_n);
    if (level < 0)
        return -EINVAL;
    log_ring_want(level, clock_now_ns() + LOG_WANTED_NS); /* whoever follows it will ask again */
    json_t *lines = json_array();
    uint64_t last = log_ring_read(after, level, LOG_LINES_MAX, add_log_line, lines, &missed);
    return text_of(json_pack("{s:I, s:I, s:o}", "last", (json_int_t)last, "missed", (json_int_t)missed, "lines", lines),
                   ret_text, ret_n);
}

static const struct document {
    const char *name;
    bool has_rest;
    bool for_operators;
    document_fn *make;
} documents[] = {
    {"status", false, false, status}, {"explain", true, false, explain}, {"metrics", false, false, metrics},
    {"config", false, true, config},  {"log", true, true, log_lines},    {"regions", false, false, regions},
};

int document_text(const struct document_reach *reach, const char *name, bool is_operator, char **ret_text,
                  size_t *ret_n)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        const struct document *d = &documents[i];
        size_t n = strlen(d->name);
        if (strncmp(name, d->name, n) != 0 || (name[n] && !(d->has_rest && name[n] == '/')))
            continue;
        if (d->for_operators && !is_operator)
            return -EPERM;
        return d->make(reach, name[n] ? name + n + 1 : "", ret_text, ret_n);
    }
    return -ENOENT;
}
