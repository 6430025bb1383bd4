/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the page shows of the last 15 minutes: how long changes took to others, how many there were, how many queries; and when
 * the catalog was where, so that a change has an age. Main thread.
 */
#ifndef HTTP_HISTORY_H
#define HTTP_HISTORY_H

#include <event2/event.h>
#include <jansson.h>

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"

struct history;

/* metrics and the catalog must outlive it. -ENOMEM. */
int history_new(struct event_base *base, const struct metrics *metrics, const struct catalog *c,
                struct history **ret_h);
void history_free(struct history *h);

/* How long ago the change of this number was; -1: longer ago than is known. */
int64_t history_age_ns(const struct history *h, uint64_t index, int64_t now_ns);

/* The figures for the page; the caller frees them. NULL: no memory. */
json_t *history_document(const struct history *h);

#endif
