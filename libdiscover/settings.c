/* SPDX-License-Identifier: Apache-2.0 */
/* What is set before a handle is started (discover.h). */
#include <errno.h>
#include <string.h>

#include "libdiscover/context.h"
#include "libdiscover/dns/dns_channel.h"
#include "libdiscover/dns/dns_question.h"

#define ZONE_DEFAULT "discover.internal"

static int set_text(const struct discover *d, const char *text, size_t cap, char *ret_text)
{
    if (d->pid)
        return -EALREADY;
    if (!text || !*text)
        return -EINVAL;
    if (strlen(text) >= cap)
        return -ENAMETOOLONG;
    strcpy(ret_text, text);
    return 0;
}

int discover_set_socket(struct discover *d, const char *path)
{
    return set_text(d, path, sizeof d->socket_path, d->socket_path);
}

const char *discover_socket(const struct discover *d)
{
    return d->socket_path;
}

int discover_set_name(struct discover *d, const char *name)
{
    return set_text(d, name, sizeof d->name, d->name);
}

int discover_set_source(struct discover *d, enum discover_source source)
{
    if (d->pid)
        return -EALREADY;
    if (source < DISCOVER_SOURCE_AUTO || source > DISCOVER_SOURCE_DNS)
        return -EINVAL;
    d->source = source;
    return 0;
}

int discover_set_dns(struct discover *d, const char *servers, const char *zone)
{
    const char *own_zone = zone && *zone ? zone : ZONE_DEFAULT;
    if (d->pid)
        return -EALREADY;
    if (!servers || strlen(servers) >= sizeof d->dns_servers || strlen(own_zone) >= sizeof d->dns_zone ||
        !dns_zone_valid(own_zone) || (*servers && !dns_servers_valid(servers)))
        return -EINVAL;
    strcpy(d->dns_servers, servers);
    strcpy(d->dns_zone, own_zone);
    return 0;
}

int discover_set_timeout(struct discover *d, int timeout_ms)
{
    if (timeout_ms < 0)
        return -EINVAL;
    d->timeout_ms = timeout_ms;
    return 0;
}
