/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which labels (tags, places, hosts, protocols, ids) the instances of a large service have, as marks (table_label.h): in the
 * table they show who looks for a label that no instance has, without a look at each page. Main thread only.
 *
 * Marks cannot be taken back: those of labels that nobody has any more stay until the marks are too many, and all are made
 * anew, a few pages at a time. While they are, there are none in the table, nor while the pages are written that have new ones.
 */
#ifndef CATALOG_SERVICE_LABELS_H
#define CATALOG_SERVICE_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/catalog/service_order.h"
#include "libdiscover/core/table_format.h"

struct catalog;
struct service;

struct service_labels {
    uint64_t *marks; /* NULL: none, the service is small */
    uint32_t n_blocks;
    uint32_t n_set;    /* bits */
    uint32_t round;    /* in which all are made: a page of an earlier one is not in them yet */
    bool whole;        /* all pages are */
    bool is_published; /* they are in the table as they are here */
};

void labels_mark_page(uint64_t marks[static TABLE_PAGE_MARK_WORDS], const struct order_page *p);

/* An instance has come, or has other labels. */
void labels_add(struct service_labels *l, const struct instance *i);

/* A piece (some 50 us) of making all marks, where that is due. True: it is not. */
bool labels_gather(struct service *s);

/* Around each put of the service's pages under a key. */
void labels_before_put(struct catalog *c, const struct service *s, const char *key, size_t key_bytes);
void labels_after_put(struct catalog *c, const struct service *s, const char *key, size_t key_bytes);

/* Takes the marks out of the table: nothing is left under the key. */
void labels_remove(struct catalog *c, const char *key, size_t key_bytes);

/* The service is small now, or goes. */
void labels_end(struct service_labels *l);

#endif
