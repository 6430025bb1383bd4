/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct discover_query. Changed by one thread, while nobody runs it. */
#ifndef LIBDISCOVER_LOOKUP_QUERY_H
#define LIBDISCOVER_LOOKUP_QUERY_H

#include "libdiscover/core/table_select.h"
#include "libdiscover/lookup/lookup_key.h"

struct discover_query {
    struct table_filter filter;
    size_t service_length; /* with the region, if one is named */
    char service[SERVICE_REF_CAP];
    char key[LOOKUP_KEY_CAP]; /* the same as a look-up key, but for the states */
};

/* What DISCOVER_E_UNKNOWN means for a query: that there is no such service, or that nothing of it meets the conditions. */
int query_judge_missing(struct discover *d, const struct discover_query *q);

#endif
