/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to know of a peer by its address, and whether the list of networks lets it ask. */
#include "daemon/dns/dns_access.h"

#include <string.h>

int dns_peer_parse(const char *text, union dns_peer *ret_peer)
{
    struct sockaddr_storage address;
    socklen_t n;
    int err = address_parse(text, &address, &n);
    if (!err)
        memcpy(ret_peer, &address, sizeof *ret_peer);
    return err;
}

size_t dns_ipv6_address(const struct in6_addr *address, const uint8_t **ret_bytes)
{
    bool mapped = IN6_IS_ADDR_V4MAPPED(address);
    *ret_bytes = address->s6_addr + (mapped ? 12 : 0);
    return mapped ? 4 : 16;
}

size_t dns_peer_address(const union dns_peer *peer, const uint8_t **ret_bytes)
{
    if (peer->any.sa_family == AF_INET6)
        return dns_ipv6_address(&peer->v6.sin6_addr, ret_bytes);
    *ret_bytes = (const uint8_t *)&peer->v4.sin_addr;
    return 4;
}

bool dns_peer_same_address(const union dns_peer *x, const union dns_peer *y)
{
    const uint8_t *a, *b;
    size_t n = dns_peer_address(x, &a);
    return dns_peer_address(y, &b) == n && memcmp(a, b, n) == 0;
}

uint16_t dns_peer_port(const union dns_peer *peer)
{
    return ntohs(peer->v4.sin_port); /* sin6_port is at the same place */
}

bool dns_peer_is_loopback(const union dns_peer *peer)
{
    const uint8_t *bytes;
    if (dns_peer_address(peer, &bytes) == 16)
        return IN6_IS_ADDR_LOOPBACK(&peer->v6.sin6_addr);
    return bytes[0] == 127;
}

bool dns_peer_is_wildcard(const union dns_peer *peer)
{
    if (peer->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&peer->v6.sin6_addr);
    return peer->v4.sin_addr.s_addr == INADDR_ANY;
}

bool dns_access_allows(const struct dns_access *access, const union dns_peer *peer)
{
    const uint8_t *bytes;
    int family = dns_peer_address(peer, &bytes) == 4 ? AF_INET : AF_INET6;
    if (access->n == 0 || dns_peer_is_loopback(peer))
        return true;
    for (size_t i = 0; i < access->n; i++)
        if (network_has(&access->networks[i], family, bytes))
            return true;
    return false;
}
