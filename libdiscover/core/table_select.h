/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies the endpoints of a service that pass a filter, as table_endpoints does those that are usable: no
 * allocation, and nothing is believed. Any thread.
 */
#ifndef CORE_TABLE_SELECT_H
#define CORE_TABLE_SELECT_H

#include "libdiscover/core/record.h"
#include "libdiscover/core/table_reader.h"

struct table_filter {
    uint32_t states; /* 1 << enum discover_state, ...; 0: whatever is usable */
    bool by_protocol;
    uint8_t protocol;
    char place[LABEL_CAP]; /* zone or region; "": anywhere */
    uint8_t n_tags;        /* all of them */
    char tags[RECORD_TAGS_MAX][RECORD_TAG_CAP];
};

/*
 * Those behind `after` in the order of the table (NULL: from the first on), at most cap, and how many there
 * are, which may be more. Passing and warning ones only if they are usable. Errors as of table_endpoints.
 */
int table_select(const struct table *t, const char *key, size_t n, const struct table_filter *filter,
                 const struct discover_endpoint *after, struct discover_endpoint *ret_endpoints, size_t cap,
                 size_t *ret_n);

/* Whether the i-th instance of a view passes; i < v->n_total. */
bool table_view_passes(const struct table_view *v, uint32_t i, const struct table_filter *filter);

/*
 * The instance that `known` was, as it is now, if it is usable, passes, and has kept its place in the order (priority and
 * tier). -ESRCH: it has not; other errors as of table_endpoints. A few words are read, however large the service is.
 */
int table_select_again(const struct table *t, const char *key, size_t n, const struct table_filter *filter,
                       const struct discover_endpoint *known, struct discover_endpoint *ret_endpoint);

#endif
