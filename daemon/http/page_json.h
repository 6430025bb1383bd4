/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages consist of, as JSON, which is the caller's. Main thread. A NULL json_t: no memory. */
#ifndef HTTP_PAGE_JSON_H
#define HTTP_PAGE_JSON_H

#include <event2/buffer.h>
#include <jansson.h>

#include "daemon/catalog/catalog_cursor.h"
#include "daemon/catalog/catalog_read.h"
#include "daemon/sync/liveness.h"

/* Writes the value, and frees it. -ENOMEM. */
int page_write_json(json_t *value, struct evbuffer *out);

json_t *page_instance_json(const char *service, const struct catalog_instance *i);
json_t *page_host_json(const struct catalog_host_info *h);

/* The lease of a host that was heard. */
json_t *page_lease_json(const struct liveness_host *h, int64_t now_ns);

/* An instance with its service, and its id, by which events name it. */
json_t *page_service_instance_json(uint64_t id, const struct catalog_instance *i);

/* An instance with the results of its checks, a list that is taken over. */
json_t *page_checks_json(uint64_t id, const struct catalog_instance *i, json_t *checks);

/* A group of Prometheus' HTTP service discovery, with one target. */
json_t *page_target_json(const char *service, const struct catalog_instance *i);

#endif
