/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that a name selects from a service's block. Pure; any thread. */
#ifndef DNS_DNS_TARGETS_H
#define DNS_DNS_TARGETS_H

#include "daemon/dns/dns_draft.h"
#include "daemon/dns/dns_name.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_reader.h"

/*
 * Of a large service, which instances the answer to a name needs, until enough are found: with filter, table_view_read_some
 * reads no other pages. Not to be copied: the filter points to it.
 */
struct dns_wanted {
    const struct dns_name *name;
    struct table_page_filter filter;
    size_t most;     /* usable ones that are enough */
    size_t usable;   /* found so far */
    bool known, cut; /* one was found, usable or not; there may be more */
};

/* family: DISCOVER_HAS_..., where only instances with such an address are wanted; else 0. */
void dns_wanted_init(struct dns_wanted *w, const struct dns_name *name, uint8_t family, size_t most);

struct dns_target {
    const struct discover_endpoint *endpoint;
    const char *hostname; /* where it has no address, a valid one; else "" */
    uint32_t number;      /* in the view */
    uint32_t weight;      /* as SRV records carry it: 256..65535 */
};

/* They point into the view. In the table's order, which is always the same: by priority, nearness, id. */
struct dns_targets {
    bool known; /* there is such an instance, usable or not */
    size_t n;   /* usable ones, the first DNS_RECORDS_MAX */
    struct dns_target target[DNS_RECORDS_MAX];
};

void dns_targets_select(const struct table_view *view, const struct dns_name *name, struct dns_targets *ret_targets);

/* -EBADMSG. */
int dns_target_entry(const struct table_view *view, uint32_t number, struct entry *ret_entry);

/* An instance's label for browsers: "<instance>@<host>", or where that is too long its id. Returns its octets. */
size_t dns_target_label(const struct discover_endpoint *endpoint, const struct entry *entry,
                        char ret_label[static DNS_LABEL_MAX]);

#endif
