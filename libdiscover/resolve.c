/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups (discover.h): one copy out of the shared table. Any thread; no allocation, no system call. */
#include <errno.h>
#include <string.h>

#include "libdiscover/handle.h"
#include "libdiscover/verdict.h"

/* What is in the table has a valid name: only one that is not found needs to be looked at. */
static int look_up(struct mapping *mapping, const char *service, struct discover_endpoint *ret_endpoints,
                   size_t cap, size_t *ret_n)
{
    size_t n, length = service ? strnlen(service, TABLE_KEY_MAX + 1) : 0;
    int err = table_endpoints(&mapping->table, service, length, ret_endpoints, cap, &n);
    if (err == -ENOENT)
        return verdict_missing(mapping, service);
    if (err < 0)
        return err == -EBUSY ? DISCOVER_E_BUSY : DISCOVER_E_PROTOCOL;
    int result = verdict_found(mapping, n);
    if (result >= 0)
        *ret_n = n;
    return result;
}

int discover_resolve(struct discover *d, const char *service, struct discover_endpoint *ret_endpoints, size_t cap,
                     size_t *ret_n)
{
    struct mapping *mapping = handle_enter(d, service);
    if (!mapping)
        return verdict_missing(NULL, service);
    int result = look_up(mapping, service, ret_endpoints, cap, ret_n);
    mapping_leave(mapping);
    return result;
}

int64_t discover_age_ms(struct discover *d)
{
    struct mapping *mapping = mapping_enter(&d->mappings);
    if (!mapping)
        return -1;
    int64_t age_ns = verdict_age_ns(&mapping->table);
    if (age_ns == 0 && table_sync(&mapping->table) == TABLE_UNSYNCED)
        age_ns = -1;
    mapping_leave(mapping);
    return age_ns <= 0 ? age_ns : (age_ns + NS_PER_MS - 1) / NS_PER_MS;
}
