/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a list of DNS zones a name is in. */
#include "daemon/base/zones.h"

#include <string.h>
#include <strings.h>

static size_t length(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && name[n - 1] == '.' ? n - 1 : n;
}

/* RFC 4343: letters of either case are one. */
static bool is_in(const char *name, const char *zone)
{
    size_t name_n = length(name), zone_n = length(zone);
    if (name_n < zone_n || strncasecmp(name + name_n - zone_n, zone, zone_n) != 0)
        return false;
    return name_n == zone_n || name[name_n - zone_n - 1] == '.';
}

const char *zones_find(const struct string_list *zones, const char *name)
{
    for (size_t i = 0; i < zones->n; i++)
        if (is_in(name, zones->items[i]))
            return zones->items[i];
    return NULL;
}
