/* SPDX-License-Identifier: Apache-2.0 */
/* Parses one request, and makes the document that answers it, in pieces if it is long. */
#include "daemon/registry/rpc/rpc_work.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CAP 512

struct rpc_work *rpc_work_new(const struct bus_request *request, int which)
{
    size_t reply_n = strlen(request->reply) + 1;
    struct rpc_work *w = calloc(1, sizeof *w + reply_n + request->n + 1);
    if (!w)
        return NULL;
    w->which = which;
    w->reply = memcpy(w->strings, request->reply, reply_n);
    w->body = memcpy(w->strings + reply_n, request->text, request->n);
    w->body_n = request->n;
    return w;
}

void rpc_work_free(struct rpc_work *w)
{
    if (w->out) {
        page_walk_fini(&w->walk);
        evbuffer_free(w->out);
    }
    free(w->text);
    free(w);
}

void rpc_work_fail(struct rpc_work *w, int error, const char *why)
{
    w->error = error;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static void fail_errno(struct rpc_work *w, int err)
{
    if (err == -EINVAL)
        rpc_work_fail(w, 400, "that is not a name of anything");
    else if (err == -ENOENT)
        rpc_work_fail(w, 404, "there is no such thing");
    else
        rpc_work_fail(w, 503, strerror(-err));
}

/* Takes over the text, which is freed if it is too long. */
static void finish(struct rpc_work *w, char *text, size_t n, const struct rpc_sources *s)
{
    if (n <= s->answer_bytes) {
        w->text = text;
        w->n = n;
        return;
    }
    free(text);
    w->error = 413;
    snprintf(w->why, sizeof w->why, "the answer has more than %zu bytes (limits.answer_bytes of the host that answers)",
             s->answer_bytes);
}

void rpc_work_json(struct rpc_work *w, json_t *document, const struct rpc_sources *s)
{
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (text)
        finish(w, text, strlen(text), s);
    else
        fail_errno(w, -ENOMEM);
}

/* --- what is asked --- */

struct asked {
    json_t *object;
    const char *service, *name; /* "": not given */
    json_int_t limit;           /* 0: not given */
};

static bool read_body(struct rpc_work *w, struct asked *a)
{
    json_error_t error;
    a->object = w->body_n ? json_loadb(w->body, w->body_n, JSON_REJECT_DUPLICATES, &error) : json_object();
    const char *service = json_string_value(json_object_get(a->object, "service"));
    const char *name = json_string_value(json_object_get(a->object, "name"));
    a->service = service ? service : "";
    a->name = name ? name : "";
    a->limit = json_integer_value(json_object_get(a->object, "limit"));
    if (json_is_object(a->object) && strlen(a->name) < NAME_CAP && a->limit >= 0)
        return true;
    rpc_work_fail(w, 400, "a request is a JSON object, such as {\"service\": \"shop/payment\"}, or nothing");
    return false;
}

/* --- documents that are made at once --- */

static void make_document(struct rpc_work *w, const char *document, const struct asked *a, const struct rpc_sources *s)
{
    char path[NAME_CAP + 32], *text;
    size_t n;
    snprintf(path, sizeof path, "%s%s%s", document, *a->name ? "/" : "", a->name);
    int err = s->document(s->arg, path, &text, &n);
    if (err < 0)
        fail_errno(w, err);
    else
        finish(w, text, n, s);
}

/* --- lists --- */

static struct page_source source_of(const struct rpc_sources *s)
{
    return (struct page_source){.table = table_writer_table(catalog_table(s->catalog)), .catalog = s->catalog};
}

static void begin_service(struct rpc_work *w, const struct asked *a, const struct page_source *source)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    bool is_name = service_parse(a->service, domain, service) == 0;
    int err = is_name ? page_walk_init_service(&w->walk, source, a->service) : -EINVAL;
    if (err == 0 && a->limit > 0 && (size_t)a->limit < w->walk.n_ids)
        w->walk.n_ids = (size_t)a->limit; /* usable instances come first in the list */
    if (err == 0)
        return;
    if (!is_name)
        rpc_work_fail(w, 400, "\"service\" must be <domain>/<service>");
    else if (err == -ENOENT && table_sync(source->table) == TABLE_UNSYNCED)
        rpc_work_fail(w, 503, "not synchronised yet");
    else if (err == -ENOENT)
        rpc_work_fail(w, 404, "no such service");
    else
        fail_errno(w, err);
}

static void begin_list(struct rpc_work *w, enum rpc_kind kind, const char *document, const struct asked *a,
                       const struct page_source *source)
{
    if (kind == RPC_RESOLVE)
        begin_service(w, a, source);
    else
        page_walk_init(&w->walk, source, strcmp(document, "hosts") == 0 ? &page_hosts : &page_services);
    if (w->error)
        return;
    w->out = evbuffer_new();
    if (!w->out) {
        page_walk_fini(&w->walk);
        fail_errno(w, -ENOMEM);
    }
}

static void finish_list(struct rpc_work *w, const struct rpc_sources *s)
{
    size_t n = evbuffer_get_length(w->out);
    char *text = malloc(n + 1);
    if (!text) {
        fail_errno(w, -ENOMEM);
        return;
    }
    (void)evbuffer_remove(w->out, text, n);
    text[n] = '\0';
    finish(w, text, n, s);
}

/* Stops as soon as the list is longer than may be sent. */
static bool step_list(struct rpc_work *w, const struct rpc_sources *s, const struct loop_slice *slice)
{
    struct page_source source = source_of(s);
    int more = page_walk_step(&w->walk, &source, slice, w->out);
    if (more == 1 && evbuffer_get_length(w->out) <= s->answer_bytes)
        return false;
    if (more < 0)
        fail_errno(w, more);
    else
        finish_list(w, s);
    return true;
}

static void begin(struct rpc_work *w, enum rpc_kind kind, const char *document, const struct rpc_sources *s)
{
    struct page_source source = source_of(s);
    struct asked a;
    w->begun = true;
    if (read_body(w, &a) && kind == RPC_DOCUMENT)
        make_document(w, document, &a, s);
    else if (!w->error)
        begin_list(w, kind, document, &a, &source);
    json_decref(a.object);
}

bool rpc_work_step(struct rpc_work *w, enum rpc_kind kind, const char *document, const struct rpc_sources *sources,
                   const struct loop_slice *slice)
{
    if (!w->begun)
        begin(w, kind, document, sources);
    return w->error || !w->out || step_list(w, sources, slice);
}
