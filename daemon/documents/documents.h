/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON documents, each made in one place for HTTP and discoverctl alike: what one of them prints, the other does. Their
 * keys are stable: keys are added, none changes its meaning. Pure; any thread. A NULL json_t: no memory.
 *
 *   status     GET /v1/status, discoverctl --json status
 *   services   GET /v1/services, discoverctl --json list
 *   instances  GET /v1/services/<domain>/<service>, discoverctl --json resolve (usable ones alone)
 *   hosts      GET /v1/hosts, discoverctl --json hosts
 *   regions    GET /v1/regions, discoverctl --json regions
 *   changes    discoverctl --json watch
 *
 * A list is an object: "sync" (live, stale, degraded, unsynced), "age_ms" (how old it may be; 0: live, -1: nothing was ever
 * known), "service" where it is of one service, and the list under its name. What is not there has no key: an instance
 * without an IPv6 address has no "ipv6".
 */
#ifndef DOCUMENTS_DOCUMENTS_H
#define DOCUMENTS_DOCUMENTS_H

#include <jansson.h>

#include "discover/discover.h"
#include "libdiscover/core/table_format.h"
#include "proto/api.pb-c.h"

/*
 * A text that somebody else may have written, such as a server's reason or the name of a file: bytes that are not UTF-8, which
 * JSON cannot have, are "?". The names of services, hosts and the like are checked where they come in.
 */
json_t *document_string(const char *text);

/* Parts of any document: a list of such texts; and "ipv4" and "ipv6", as far as there are such addresses. */
json_t *document_texts(const char *const *texts, size_t n);
void document_set_addresses(json_t *object, uint8_t families, const uint8_t ipv4[4], const uint8_t ipv6[16]);

/* All but the list of a list's document. age_ms: of the table that it comes from. service: NULL for one that is of none. */
json_t *document_head(enum table_sync sync, int64_t age_ms, const char *service);

/* The "age_ms" of a table's document: -1, not 0, if nothing was ever known. */
static inline int64_t document_age_ms(enum table_sync sync, int64_t age_ms)
{
    return sync == TABLE_UNSYNCED && age_ms == 0 ? -1 : age_ms;
}

/* One element each: of "services", "instances", "hosts", and of a watch's "changes" (what: "added", "removed", "changed"). */
json_t *service_document(const char *service, size_t usable, size_t instances);
json_t *instance_document(const struct discover_instance *i);
json_t *host_document(const struct discover_host *h);
json_t *change_document(const char *what, const char *host, const char *instance, const struct discover_endpoint *e);

/* All members of the daemon's Status message, and its condition. */
json_t *status_document(const Discover__V1__Status *s);

/* Adds "condition", "summary" (the condition in one sentence) and "problems". */
void document_set_condition(json_t *document, const Discover__V1__Status *s);

/* "region": the own one; "regions": the others. */
json_t *regions_document(const Discover__V1__Status *s);

#endif
