/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the Host header: a page of another site must not read this interface by way of a browser (DNS rebinding). */
#include "daemon/http/http_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/zones.h"

#define NAME_CAP 256

/* The host without brackets, port, and a dot at its end. Returns false when it is no host, or too long to be ours. */
static bool without_port(const char *host, char ret_name[static NAME_CAP])
{
    const char *close = *host == '[' ? strchr(host, ']') : NULL;
    const char *start = *host == '[' ? host + 1 : host;
    size_t n = close ? (size_t)(close - start) : strcspn(start, ":");
    const char *rest = start + n + (close != NULL);
    if (*rest == ':')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (n > 1 && start[n - 1] == '.')
        n--;
    if (*rest || n == 0 || n >= NAME_CAP)
        return false;
    memcpy(ret_name, start, n);
    ret_name[n] = '\0';
    return true;
}

static bool is_loopback_name(const char *name)
{
    /* Names of loopback: RFC 6761 section 6.3, and those that distributions write into /etc/hosts. */
    static const char *const names[] = {"localhost", "ip6-localhost", "ip6-loopback"};
    static const char below[] = ".localhost";
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return n >= sizeof below && strcasecmp(name + n - (sizeof below - 1), below) == 0;
}

/*
 * Parses an address as IPv6. An IPv4 address is mapped (RFC 4291 section 2.5.5.2), as a socket for both families shows
 * it.
 */
static bool parse_address(const char *text, struct in6_addr *ret_address)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) != 1)
        return inet_pton(AF_INET6, text, ret_address) == 1;
    *ret_address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(ret_address->s6_addr + 12, &v4, sizeof v4);
    return true;
}

static bool is_loopback_address(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static bool is_address_of(const struct in6_addr *a, const struct sockaddr *local)
{
    if (local->sa_family == AF_INET6)
        return memcmp(a, &((const struct sockaddr_in6 *)local)->sin6_addr, sizeof *a) == 0;
    return local->sa_family == AF_INET && IN6_IS_ADDR_V4MAPPED(a) &&
           memcmp(a->s6_addr + 12, &((const struct sockaddr_in *)local)->sin_addr, sizeof(struct in_addr)) == 0;
}

bool http_host_is_ours(const char *host, const struct sockaddr *local, const struct http_names *names)
{
    char name[NAME_CAP];
    struct in6_addr address;
    if (!without_port(host, name))
        return false;
    if (is_loopback_name(name))
        return true;
    if (parse_address(name, &address) && (is_loopback_address(&address) || is_address_of(&address, local)))
        return true;
    for (size_t i = 0; i < names->hosts->n; i++)
        if (strcasecmp(name, names->hosts->items[i]) == 0)
            return true;
    return zones_find(names->zones, name);
}
