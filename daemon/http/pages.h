/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the registry holds, as JSON. Main thread; only reads.
 *
 * Lists are written piece by piece, each within a slice of the loop: a service of 20,000 instances makes megabytes, and
 * the main thread must not be busy with them while a lease is to be written or a process dies.
 */
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "daemon/base/loop.h"
#include "daemon/catalog/catalog.h"
#include "daemon/catalog/catalog_cursor.h"
#include "daemon/http/history.h"
#include "libdiscover/core/table_format.h"

struct http_ops;
struct page;                             /* a kind of list */
extern const struct page page_services;  /* /v1/services */
extern const struct page page_hosts;     /* /v1/hosts */
extern const struct page page_leases;    /* /v1/leases: how long hosts have been silent, and what they run */
extern const struct page page_instances; /* /v1/instances: those of all services */
extern const struct page page_recent;    /* /v1/recent: services that changed lately */
extern const struct page page_checks;    /* /v1/checks: what the checks of this host's instances say */
extern const struct page page_http_sd;   /* /v1/http_sd: Prometheus' HTTP service discovery */

/* Where the pages read from; valid until the next turn of the loop. */
struct page_source {
    struct catalog *catalog;       /* of this region, or of another one */
    const struct history *history; /* NULL: none */
    const struct http_ops *ops;    /* NULL: there are none */
    enum table_sync sync;          /* of that region; and how old what is known of it may be, as in http_region */
    int64_t age_ms;
};

/* That of a catalog of this region, with neither history nor ops. */
struct page_source page_source_of(struct catalog *catalog);

/* Which instances a list is to have. */
#define PAGE_TAGS_MAX 8
struct page_filter {
    char domain[LABEL_CAP];                   /* "": any domain */
    char tags[PAGE_TAGS_MAX][RECORD_TAG_CAP]; /* an instance has all of them */
    size_t n_tags;
};

/* A list on its way out. */
struct page_walk {
    const struct page *page;
    struct catalog_cursor cursor;
    bool begun;
    bool any;                  /* something was written: a comma comes before the next */
    char region[LABEL_CAP];    /* the other region whose catalog the source has; "": the own one */
    char service[SERVICE_CAP]; /* whose instances, as they were when it was opened, are being written */
    uint64_t *ids;
    size_t n_ids, next_id;
    struct page_filter filter;
};

/* Begins a list. *w must stay where it is until page_walk_fini, and the source's catalog must live as long. */
void page_walk_init(struct page_walk *w, const struct page_source *source, const struct page *page);
void page_walk_fini(struct page_walk *w);

/*
 * The same for one service with all its instances. -ENOENT: there is none of that name; -ENOMEM; after an error
 * page_walk_fini need not be called.
 */
int page_walk_init_service(struct page_walk *w, const struct page_source *source, const char *service);

/* The same for the instances of one host; a host without any is an empty list. */
int page_walk_init_host(struct page_walk *w, const struct page_source *source, const struct page *page,
                        const char *host);

/*
 * Writes on, until the slice is over or there is a piece to be sent. Returns 1 when there is more, 0 when that was all;
 * -ENOMEM. The catalog may change between the calls: what is there all the time is written exactly once.
 */
int page_walk_step(struct page_walk *w, const struct page_source *source, const struct loop_slice *slice,
                   struct evbuffer *out);

#endif
