/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's documents by their names. */
#include "daemon/registry/document_requests.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/status_counters.h"
#include "daemon/documents/documents.h"
#include "daemon/http/prometheus.h"
#include "libdiscover/core/status_message.h"

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

static const struct document {
    const char *name;
    bool has_rest;
    bool for_operators;
    document_fn *make;
} documents[] = {
    {"status", false, false, status},
    {"explain", true, false, explain},
    {"metrics", false, false, metrics},
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
