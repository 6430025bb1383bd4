/* SPDX-License-Identifier: Apache-2.0 */
/* A line in the log for each other host that is new, lost, left or back, at a bounded rate. Main thread only. */
#ifndef REGISTRY_HOST_NEWS_H
#define REGISTRY_HOST_NEWS_H

#include "daemon/catalog/catalog.h"
#include "daemon/sync/liveness.h"

/* Zeroed in the beginning. */
struct host_news {
    size_t n; /* lines in this second */
};

/* To be called before the catalog learns of the status, which is compared with the last one. region: NULL: the own one. */
void host_news_report(struct host_news *news, const struct catalog *catalog, const char *region, const char *host,
                      enum host_status status);
void host_news_second(struct host_news *news); /* once a second */

#endif
