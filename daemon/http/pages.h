/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table holds, as JSON. Main thread; only reads.
 *
 * Lists are written piece by piece: a catalog of 200,000 instances makes tens of megabytes, and the main thread must
 * not be busy with them for longer than the death of a process may take to be told.
 */
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "daemon/base/metrics.h"
#include "libdiscover/core/table_reader.h"
#include "proto/api.pb-c.h"

/* "unsynced", "live", "stale", "degraded". */
const char *sync_text(enum table_sync sync);

struct page;                            /* a kind of list */
extern const struct page page_services; /* /v1/services */
extern const struct page page_hosts;    /* /v1/hosts */
extern const struct page page_http_sd;  /* /v1/http_sd: Prometheus' HTTP service discovery */

/* A list on its way out. */
struct page_walk {
    const struct page *page;
    const table_word *words; /* of the table it began with */
    uint32_t slot;
    bool any; /* something was written: a comma comes first */
    struct table_view view;
};

void page_walk_init(struct page_walk *w, const struct page *page);
void page_walk_fini(struct page_walk *w);

/*
 * Writes on, at least `want` bytes if there is as much, and little more. 1: there is more; 0: that was all; -ESTALE:
 * the table has moved meanwhile, the rest cannot be told from what was written already.
 */
int page_walk_step(struct page_walk *w, const struct table *t, size_t want, struct evbuffer *out);

/* One service with all its instances. -ENOENT, -EBUSY, -EBADMSG, -ENOMEM. */
int page_service(const struct table *t, const char *service, struct evbuffer *out);

/* Everything in the status, with the counters as one object. -ENOMEM. */
int page_status(const Discover__V1__Status *status, const struct metrics *m, struct evbuffer *out);

#endif
