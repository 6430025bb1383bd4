/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over all services, or all hosts, in pieces, while they change: what is there from its begin to its end is met, and
 * met once; what comes or goes meanwhile may be met or not. Main thread; pure.
 */
#ifndef CATALOG_CATALOG_CURSOR_H
#define CATALOG_CATALOG_CURSOR_H

#include "daemon/catalog/catalog.h"

struct host;
struct service;

/* Stays where it is from catalog_cursor_begin to catalog_cursor_end; the catalog knows it meanwhile. */
struct catalog_cursor {
    struct catalog_cursor *prev, *next;
    struct catalog *catalog;
    const struct service *service; /* to be met next */
    const struct host *host;
};

void catalog_cursor_begin(struct catalog *c, struct catalog_cursor *cursor);
void catalog_cursor_end(struct catalog_cursor *cursor); /* nothing happens the second time */

/* Names are valid until the catalog is changed. */
struct catalog_service_info {
    const char *name;
    uint64_t index;             /* of its last change */
    uint32_t usable, instances; /* as the table says */
};

struct catalog_host_info {
    const char *name;
    const struct lease *lease;
    uint32_t instances;
    bool alive;
};

/* false: that was all. */
bool catalog_cursor_service(struct catalog_cursor *cursor, struct catalog_service_info *ret_service);
bool catalog_cursor_host(struct catalog_cursor *cursor, struct catalog_host_info *ret_host);

#endif
