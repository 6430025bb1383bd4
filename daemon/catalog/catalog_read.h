/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the catalog holds, one instance at a time: for whoever walks over many of them in pieces, while they change. A
 * list of ids stays what it was; an instance is read as it is by then. Main thread; pure.
 */
#ifndef CATALOG_CATALOG_READ_H
#define CATALOG_CATALOG_READ_H

#include <stdbool.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/entry.h"

/*
 * The ids of all instances of a service, usable ones first as they were last written into the table. The caller frees
 * *ret_ids. -ENOENT: nobody has registered such a service; -ENOMEM.
 */
int catalog_ids(const struct catalog *c, const char *service, uint64_t **ret_ids, size_t *ret_n);

struct catalog_instance {
    struct discover_endpoint endpoint;
    const char *service; /* valid until the catalog is changed */
    bool usable;
    struct entry entry; /* points into bytes */
    uint8_t bytes[ENTRY_HOST_MAX + ENTRY_MAX];
};

/* -ENOENT: it has gone. */
int catalog_read(const struct catalog *c, uint64_t id, struct catalog_instance *ret_instance);

/* As catalog_read, but the endpoint alone. */
int catalog_endpoint(const struct catalog *c, uint64_t id, struct discover_endpoint *ret_endpoint);

#endif
