/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct discover_query. Changed by one thread, while nobody runs it. */
#ifndef LIBDISCOVER_LOOKUP_QUERY_H
#define LIBDISCOVER_LOOKUP_QUERY_H

#include "libdiscover/core/table_select.h"
#include "libdiscover/lookup/lookup_key.h"

struct discover_query {
    struct table_filter filter;
    size_t service_length; /* of the text below */
    char service[SERVICE_REF_CAP];
    char key[LOOKUP_KEY_CAP]; /* the query as a look-up key (lookup_key.h), without the states */
};

/*
 * What DISCOVER_E_UNKNOWN means for a query: that there is no such service, or that nothing of it meets the conditions.
 */
int query_judge_missing(struct discover *d, const struct discover_query *q);

#endif
