/* SPDX-License-Identifier: Apache-2.0 */
/* Results, versions and addresses as text, and as other programs take them (discover.h). Pure; any thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "discover/discover.h"

const char *discover_strerror(int code)
{
    switch (code) {
    case DISCOVER_FRESH:
        return "success";
    case DISCOVER_STALE:
        return "stale: the last known state";
    case DISCOVER_DEGRADED:
        return "degraded: many hosts vanished at once, or changes cannot be served";
    case DISCOVER_E_NONE:
        return "no usable instance";
    case DISCOVER_E_UNKNOWN:
        return "no such service";
    case DISCOVER_E_UNSYNCED:
        return "cannot know: no daemon, or it has not synchronised yet";
    case DISCOVER_E_BUSY:
        return "the table changed under every try";
    case DISCOVER_E_NAME:
        return "not a valid name";
    case DISCOVER_E_VERSION:
        return "the daemon speaks another version";
    case DISCOVER_E_DENIED:
        return "refused by the daemon";
    case DISCOVER_E_LIMIT:
        return "a limit of the daemon is reached";
    case DISCOVER_E_CONFLICT:
        return "somebody else on this host has that registration";
    case DISCOVER_E_PROTOCOL:
        return "the daemon sent what cannot be understood";
    case DISCOVER_E_BUDGET:
        return "too many retries";
    }
    const char *text = code < 0 ? strerrordesc_np(-code) : NULL;
    return text ? text : "unknown result";
}

const char *discover_version(void)
{
    return DISCOVER_VERSION;
}

int discover_endpoint_text(const struct discover_endpoint *endpoint, char *ret_text, size_t cap)
{
    char address[INET6_ADDRSTRLEN], text[DISCOVER_ADDRESS_MAX];
    if (!endpoint || !ret_text)
        return -EINVAL;
    if (endpoint->families & DISCOVER_HAS_IPV4) {
        inet_ntop(AF_INET, endpoint->ipv4, address, sizeof address);
        snprintf(text, sizeof text, "%s:%u", address, endpoint->port);
    } else if (endpoint->families & DISCOVER_HAS_IPV6) {
        inet_ntop(AF_INET6, endpoint->ipv6, address, sizeof address);
        snprintf(text, sizeof text, "[%s]:%u", address, endpoint->port);
    } else {
        return -EADDRNOTAVAIL;
    }
    if (strlen(text) >= cap)
        return -ENOSPC;
    strcpy(ret_text, text);
    return 0;
}

static socklen_t fill_ipv4(const struct discover_endpoint *e, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    memcpy(&address.sin_addr, e->ipv4, sizeof e->ipv4);
    memcpy(ret_address, &address, sizeof address);
    return sizeof address;
}

static socklen_t fill_ipv6(const struct discover_endpoint *e, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
    memcpy(&address.sin6_addr, e->ipv6, sizeof e->ipv6);
    memcpy(ret_address, &address, sizeof address);
    return sizeof address;
}

int discover_endpoint_sockaddr(const struct discover_endpoint *endpoint, int family,
                               struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    if (!endpoint || !ret_address || !ret_length)
        return -EINVAL;
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return -EINVAL;
    uint8_t families = endpoint->families & (DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    if (!families)
        return -EADDRNOTAVAIL;
    if (family != AF_INET6 && (families & DISCOVER_HAS_IPV4))
        *ret_length = fill_ipv4(endpoint, ret_address);
    else if (family != AF_INET && (families & DISCOVER_HAS_IPV6))
        *ret_length = fill_ipv6(endpoint, ret_address);
    else
        return -EAFNOSUPPORT;
    return 0;
}
