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
    char tags[RECORD_TAGS_MAX][LABEL_CAP];
};

/*
 * Those behind `after` in the order of the table (NULL: from the first on), at most cap, and how many there
 * are, which may be more. Passing and warning ones only if they are usable. Errors as of table_endpoints.
 */
int table_select(const struct table *t, const char *key, size_t n, const struct table_filter *filter,
                 const struct discover_endpoint *after, struct discover_endpoint *ret_endpoints, size_t cap,
                 size_t *ret_n);

#endif
