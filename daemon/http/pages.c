/* SPDX-License-Identifier: Apache-2.0 */
/* Writes lists of the registry as JSON, in pieces, so that no turn of the loop takes long. */
#include "daemon/http/pages.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog_explain.h"
#include "daemon/catalog/catalog_read.h"
#include "daemon/catalog/table_writer.h"
#include "daemon/documents/documents.h"
#include "daemon/http/http.h"
#include "daemon/http/page_json.h"
#include "libdiscover/core/clock.h"

#define PIECE 65536 /* bytes in a piece, at most: nothing is made that a client does not take */

/* Goes on to the next service, or host, and writes or opens it. Returns 1; 0: there is none; or a negative errno. */
typedef int next_fn(struct page_walk *w, const struct page_source *source, struct evbuffer *out);
typedef void instance_fn(struct page_walk *w, const struct page_source *source, uint64_t id,
                         const struct catalog_instance *i, struct evbuffer *out);

struct page {
    const char *list; /* its name in the object around it; NULL: there is no object */
    next_fn *next;
    instance_fn *instance; /* called for each instance of the service that was opened; NULL: for none */
};

struct page_source page_source_of(struct catalog *catalog)
{
    const struct table *t = table_writer_table(catalog_table(catalog));
    return (struct page_source){
        .catalog = catalog, .sync = table_sync(t), .age_ms = table_age_ns(t, clock_now_ns()) / NS_PER_MS};
}

static void write_element(struct page_walk *w, json_t *value, struct evbuffer *out)
{
    if (w->any)
        evbuffer_add(out, ",\n", 2);
    w->any = true;
    (void)page_write_json(value, out);
}

/* --- kinds of lists --- */

static int next_service(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_service_info s;
    (void)source;
    if (!catalog_cursor_service(&w->cursor, &s))
        return 0;
    write_element(w, service_document(s.name, s.usable, s.instances), out);
    return 1;
}

/* Services whose last change is longer ago than is known are left out. */
static int next_recent(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_service_info s;
    if (!catalog_cursor_service(&w->cursor, &s))
        return 0;
    int64_t age_ns = source->history ? history_age_ns(source->history, s.index, clock_now_ns()) : -1;
    if (age_ns >= 0)
        write_element(w,
                      json_pack("{s:s, s:I, s:I}", "service", s.name, "changed_ms", (json_int_t)(age_ns / NS_PER_MS),
                                "index", (json_int_t)s.index),
                      out);
    return 1;
}

static int next_host(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_host_info h;
    (void)source;
    if (!catalog_cursor_host(&w->cursor, &h))
        return 0;
    write_element(w, page_host_json(&h), out);
    return 1;
}

/*
 * The lease as it is heard. Of this host, and of one that has been silent for long, none is: then what the catalog has
 * of it.
 */
static json_t *lease_json(const struct page_source *source, const struct catalog_host_info *h)
{
    struct liveness_host known;
    const struct http_ops *ops = source->ops;
    bool heard = ops && ops->host && ops->host(ops->arg, h->name, &known) == 0;
    json_t *object = heard ? page_lease_json(&known, clock_now_ns())
                           : json_pack("{s:s, s:s, s:I}", "status", h->alive ? "alive" : "gone", "version",
                                       h->lease->version, "ttl_ms", (json_int_t)h->lease->ttl_ms);
    (void)json_object_set_new(object, "host", json_string(h->name));
    return object;
}

static int next_lease(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_host_info h;
    if (!catalog_cursor_host(&w->cursor, &h))
        return 0;
    write_element(w, lease_json(source, &h), out);
    return 1;
}

static int open_service(struct page_walk *w, const struct page_source *source, const char *service)
{
    free(w->ids);
    w->ids = NULL;
    w->n_ids = w->next_id = 0;
    strcpy(w->service, service);
    return catalog_ids(source->catalog, service, &w->ids, &w->n_ids);
}

static bool is_of_domain(const struct page_filter *f, const char *service)
{
    size_t n = strlen(f->domain);
    return n == 0 || (strncmp(service, f->domain, n) == 0 && service[n] == '/');
}

static int open_next_service(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_service_info s;
    (void)out;
    if (!catalog_cursor_service(&w->cursor, &s))
        return 0;
    int err = is_of_domain(&w->filter, s.name) ? open_service(w, source, s.name) : 0;
    return err == 0 || err == -ENOENT ? 1 : err;
}

static void write_instance(struct page_walk *w, const struct page_source *source, uint64_t id,
                           const struct catalog_instance *i, struct evbuffer *out)
{
    (void)source, (void)id;
    write_element(w, page_instance_json(w->service, i), out);
}

static void write_service_instance(struct page_walk *w, const struct page_source *source, uint64_t id,
                                   const struct catalog_instance *i, struct evbuffer *out)
{
    (void)source;
    write_element(w, page_service_instance_json(id, i), out);
}

static bool has_tag(const struct entry *e, const char *tag)
{
    for (size_t i = 0; i < e->n_tags; i++)
        if (strcmp(e->tags[i], tag) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct page_filter *f, const struct catalog_instance *i)
{
    for (size_t t = 0; t < f->n_tags; t++)
        if (!has_tag(&i->entry, f->tags[t]))
            return false;
    return true;
}

/* Usable instances only: one that is stopped on purpose is not down. */
static void write_target(struct page_walk *w, const struct page_source *source, uint64_t id,
                         const struct catalog_instance *i, struct evbuffer *out)
{
    (void)source, (void)id;
    if (i->usable && is_wanted(&w->filter, i))
        write_element(w, page_target_json(w->service, i), out);
}

static void write_checks(struct page_walk *w, const struct page_source *source, uint64_t id,
                         const struct catalog_instance *i, struct evbuffer *out)
{
    json_t *list = NULL;
    if (source->ops && source->ops->checks && source->ops->checks(source->ops->arg, i, &list) == 0)
        write_element(w, page_checks_json(id, i, list), out);
}

const struct page page_services = {"services", next_service, NULL};
const struct page page_hosts = {"hosts", next_host, NULL};
const struct page page_leases = {"leases", next_lease, NULL};
const struct page page_recent = {"recent", next_recent, NULL};
const struct page page_instances = {"instances", open_next_service, write_service_instance};
const struct page page_http_sd = {NULL, open_next_service, write_target};

const struct page page_checks = {"checks", NULL, write_checks};

/* A list of one service: there is no next one. */
static const struct page page_service = {"instances", NULL, write_instance};

/* --- walking --- */

void page_walk_init(struct page_walk *w, const struct page_source *source, const struct page *page)
{
    *w = (struct page_walk){.page = page};
    catalog_cursor_begin(source->catalog, &w->cursor);
}

int page_walk_init_service(struct page_walk *w, const struct page_source *source, const char *service)
{
    if (strlen(service) >= sizeof w->service)
        return -ENOENT;
    *w = (struct page_walk){.page = &page_service};
    return open_service(w, source, service);
}

int page_walk_init_host(struct page_walk *w, const struct page_source *source, const struct page *page,
                        const char *host)
{
    *w = (struct page_walk){.page = page};
    (void)catalog_ids_of_host(source->catalog, host, 0, NULL, &w->n_ids);
    w->ids = calloc(w->n_ids + 1, sizeof *w->ids);
    if (!w->ids)
        return -ENOMEM;
    size_t total;
    w->n_ids = catalog_ids_of_host(source->catalog, host, w->n_ids, w->ids, &total);
    return 0;
}

void page_walk_fini(struct page_walk *w)
{
    catalog_cursor_end(&w->cursor);
    free(w->ids);
    w->ids = NULL;
}

/* The beginning of the object around the list, up to where the list begins. */
static void begin_object(const struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    json_t *head = document_head(source->sync, source->age_ms, w->page == &page_service ? w->service : NULL);
    char *text = json_dumps(head, JSON_COMPACT); /* without its closing brace, which comes after the list */
    evbuffer_add_printf(out, "%.*s,\"%s\":", text ? (int)strlen(text) - 1 : 0, text ? text : "", w->page->list);
    free(text);
    json_decref(head);
}

static void begin(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    w->begun = true;
    if (w->page->list)
        begin_object(w, source, out);
    evbuffer_add(out, "[", 1);
}

static void next_instance(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_instance i;
    uint64_t id = w->ids[w->next_id++];
    if (catalog_read(source->catalog, id, &i) == 0)
        w->page->instance(w, source, id, &i, out);
}

int page_walk_step(struct page_walk *w, const struct page_source *source, const struct loop_slice *slice,
                   struct evbuffer *out)
{
    if (!w->begun)
        begin(w, source, out);
    while (evbuffer_get_length(out) < PIECE && !loop_slice_over(slice)) {
        if (w->next_id < w->n_ids) {
            next_instance(w, source, out);
            continue;
        }
        int more = w->page->next ? w->page->next(w, source, out) : 0;
        if (more < 0)
            return more;
        if (more == 0) {
            evbuffer_add_printf(out, "]%s\n", w->page->list ? "}" : "");
            return 0;
        }
    }
    return 1;
}
