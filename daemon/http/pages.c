/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry holds, as JSON, in pieces. */
#include "daemon/http/pages.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog_read.h"
#include "daemon/documents/documents.h"
#include "daemon/http/page_json.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_key.h"
#include "libdiscover/core/words.h"

#define PIECE 65536 /* bytes at a time, at most: what a client does not take is not made */

/* Writes what is under a slot, as no or one element of the list. A negative errno: the list cannot go on. */
typedef int slot_fn(struct page_walk *w, const struct page_source *source, const struct table_peek *peek,
                    struct evbuffer *out);
typedef void instance_fn(struct page_walk *w, const struct catalog_instance *i, struct evbuffer *out);

struct page {
    const char *list; /* its name in the object around it; NULL: the list is all */
    enum table_kind kind;
    slot_fn *slot;
    instance_fn *instance; /* of those that the slot has opened */
};

static int64_t age_ms(const struct table *t)
{
    return table_age_ns(t, clock_now_ns()) / NS_PER_MS;
}

static void write_element(struct page_walk *w, json_t *value, struct evbuffer *out)
{
    if (w->any)
        evbuffer_add(out, ",\n", 2);
    w->any = true;
    (void)page_write_json(value, out);
}

/* --- kinds of lists --- */

static int write_service(struct page_walk *w, const struct page_source *source, const struct table_peek *peek,
                         struct evbuffer *out)
{
    (void)source;
    write_element(w, service_document(peek->key, peek->n_first, peek->n_total), out);
    return 0;
}

/* Keys of hosts have an '@' in front. */
static int write_host(struct page_walk *w, const struct page_source *source, const struct table_peek *peek,
                      struct evbuffer *out)
{
    const uint8_t *bytes;
    size_t n;
    struct host_entry e;
    if (peek->key_bytes < 2 || table_view_read(source->table, w->slot, &w->host) < 0 ||
        table_view_details(&w->host, 0, &bytes, &n) < 0 || host_entry_read(bytes, n, &e) < 0)
        return 0;
    write_element(w, page_host_json(peek->key + 1, (uint32_t)peek->n_total, &e), out);
    return 0;
}

static int open_service(struct page_walk *w, const struct page_source *source, const char *service)
{
    free(w->ids);
    w->ids = NULL;
    w->n_ids = w->next_id = 0;
    strcpy(w->service, service);
    return catalog_ids(source->catalog, service, &w->ids, &w->n_ids);
}

static int open_slot(struct page_walk *w, const struct page_source *source, const struct table_peek *peek,
                     struct evbuffer *out)
{
    (void)out;
    int err = open_service(w, source, peek->key);
    return err == -ENOENT ? 0 : err;
}

static void write_instance(struct page_walk *w, const struct catalog_instance *i, struct evbuffer *out)
{
    write_element(w, page_instance_json(w->service, i), out);
}

/* Only what may be used: an instance that is stopped on purpose is not down. */
static void write_target(struct page_walk *w, const struct catalog_instance *i, struct evbuffer *out)
{
    if (i->usable)
        write_element(w, page_target_json(w->service, i), out);
}

const struct page page_services = {"services", TABLE_SERVICE, write_service, NULL};
const struct page page_hosts = {"hosts", TABLE_HOST, write_host, NULL};
const struct page page_http_sd = {NULL, TABLE_SERVICE, open_slot, write_target};

/* One service: there are no slots to walk over. */
static const struct page page_service = {"instances", TABLE_SERVICE, NULL, write_instance};

/* --- walking --- */

void page_walk_init(struct page_walk *w, const struct page *page)
{
    *w = (struct page_walk){.page = page};
    table_view_init(&w->host);
}

int page_walk_init_service(struct page_walk *w, const struct page_source *source, const char *service)
{
    if (strlen(service) > TABLE_KEY_MAX)
        return -ENOENT;
    page_walk_init(w, &page_service);
    return open_service(w, source, service);
}

void page_walk_fini(struct page_walk *w)
{
    table_view_fini(&w->host);
    free(w->ids);
    w->ids = NULL;
}

/* The object around the list, up to where the list begins. */
static void begin_object(const struct page_walk *w, const struct table *t, struct evbuffer *out)
{
    const char *service = w->page == &page_service ? w->service : NULL;
    json_t *head = document_head(sync_word(table_sync(t)), age_ms(t), service);
    char *text = json_dumps(head, JSON_COMPACT); /* its closing brace comes after the list */
    evbuffer_add_printf(out, "%.*s,\"%s\":", text ? (int)strlen(text) - 1 : 0, text ? text : "", w->page->list);
    free(text);
    json_decref(head);
}

static void begin(struct page_walk *w, const struct table *t, struct evbuffer *out)
{
    w->words = t->words;
    if (w->page->list)
        begin_object(w, t, out);
    evbuffer_add(out, "[", 1);
}

static void next_instance(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct catalog_instance i;
    if (catalog_read(source->catalog, w->ids[w->next_id++], &i) == 0)
        w->page->instance(w, &i, out);
}

static int next_slot(struct page_walk *w, const struct page_source *source, struct evbuffer *out)
{
    struct table_peek peek;
    bool ours = table_peek(source->table, w->slot, &peek) == 0 && peek.kind == w->page->kind &&
                table_key_is_of(peek.key, peek.key_bytes, "");
    int err = ours ? w->page->slot(w, source, &peek, out) : 0;
    w->slot++;
    return err;
}

int page_walk_step(struct page_walk *w, const struct page_source *source, const struct loop_slice *slice,
                   struct evbuffer *out)
{
    bool slots = w->page->slot != NULL;
    if (!w->words)
        begin(w, source->table, out);
    if (slots && w->words != source->table->words)
        return -ESTALE;
    while (evbuffer_get_length(out) < PIECE && !loop_slice_over(slice)) {
        int err = 0;
        if (w->next_id < w->n_ids) {
            next_instance(w, source, out);
        } else if (slots && w->slot < table_slots_used(source->table)) {
            err = next_slot(w, source, out);
        } else {
            evbuffer_add_printf(out, "]%s\n", w->page->list ? "}" : "");
            return 0;
        }
        if (err < 0)
            return err;
    }
    return 1;
}
