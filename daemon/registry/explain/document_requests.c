/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the daemon's documents by their names, and makes them. */
#include "daemon/registry/explain/document_requests.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/log_ring.h"
#include "daemon/base/status_counters.h"
#include "daemon/config/config_keys.h"
#include "daemon/documents/documents.h"
#include "daemon/http/prometheus.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define LOG_WANTED_NS (5 * NS_PER_S) /* so long after somebody has asked for a level its lines are kept */
#define LOG_LINES_MAX 300            /* most lines in one document */

/* rest: the part of the name behind the document's own name and a slash. */
typedef int document_fn(const struct explain_reach *reach, const char *rest, char **ret_text, size_t *ret_n);

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

static int explain(const struct explain_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    json_t *document;
    int err = explain_document(reach, rest, &document);
    return err ? err : text_of(document, ret_text, ret_n);
}

static void fill_status(const struct explain_reach *reach, Discover__V1__Status *ret_status)
{
    discover__v1__status__init(ret_status);
    reach->status(reach->arg, ret_status);
    status_counters_fill(reach->metrics, ret_status);
}

static int metrics(const struct explain_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
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

/* Closes a memory stream and returns its text; NULL: no memory. */
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

static int config(const struct explain_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    (void)rest;
    if (!out)
        return -ENOMEM;
    config_table_dump(&config_keys, reach->config, out);
    fprintf(out, "# and %zu services\n", reach->config->n_services);
    return take_stream(out, &text, &n, ret_text, ret_n);
}

/* --- the log --- */

static void add_log_line(void *arg, const struct log_ring_line *line)
{
    (void)json_array_append_new(arg, json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)line->number, "time_ms",
                                               (json_int_t)line->time_ms, "level", level_word(line->level), "text",
                                               line->text));
}

static void print_log_line(void *arg, const struct log_ring_line *line)
{
    char text[CLOCK_TEXT_CAP];
    clock_wall_text(line->time_ms, text);
    fprintf(arg, "%s %s: %s\n", text, level_word(line->level), line->text);
}

/* All lines that are kept, as text. */
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
static int log_lines(const struct explain_reach *reach, const char *rest, char **ret_text, size_t *ret_n)
{
    size_t n = strcspn(rest, "/");
    char word[16];
    uint8_t level;
    uint64_t missed, after = rest[n] ? strtoull(rest + n + 1, NULL, 10) : 0;
    (void)reach;
    if (n == 0)
        return log_text(ret_text, ret_n);
    snprintf(word, sizeof word, "%.*s", (int)n, rest);
    if (level_of_word(word, &level) < 0)
        return -EINVAL;
    log_ring_want(level, clock_now_ns() + LOG_WANTED_NS); /* whoever follows the log asks again within that time */
    json_t *lines = json_array();
    uint64_t last = log_ring_read(after, level, LOG_LINES_MAX, add_log_line, lines, &missed);
    return text_of(json_pack("{s:I, s:I, s:o}", "last", (json_int_t)last, "missed", (json_int_t)missed, "lines", lines),
                   ret_text, ret_n);
}

static const struct document {
    const char *name;
    bool has_rest;
    bool for_operators;
    json_t *(*of_status)(const Discover__V1__Status *status); /* makes it from the status; NULL: make does */
    document_fn *make;                                        /* makes any other document */
} documents[] = {
    {"status", false, false, status_document, NULL}, {"regions", false, false, regions_document, NULL},
    {"explain", true, false, NULL, explain},         {"metrics", false, false, NULL, metrics},
    {"config", false, true, NULL, config},           {"log", true, true, NULL, log_lines},
};

static int make(const struct document *d, const struct explain_reach *reach, const char *rest, char **ret_text,
                size_t *ret_n)
{
    Discover__V1__Status message;
    if (d->make)
        return d->make(reach, rest, ret_text, ret_n);
    fill_status(reach, &message);
    return text_of(d->of_status(&message), ret_text, ret_n);
}

int document_text(const struct explain_reach *reach, const char *name, bool is_operator, char **ret_text, size_t *ret_n)
{
    size_t n = strcspn(name, "/");
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        const struct document *d = &documents[i];
        if (strlen(d->name) != n || memcmp(name, d->name, n) != 0 || (name[n] && !d->has_rest))
            continue;
        if (d->for_operators && !is_operator)
            return -EPERM;
        return make(d, reach, name[n] ? name + n + 1 : "", ret_text, ret_n);
    }
    return -ENOENT;
}
