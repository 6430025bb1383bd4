/* SPDX-License-Identifier: Apache-2.0 */
/* Parses addresses and networks, and decides by the list of networks who may ask. */
#include "daemon/dns/dns_access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_number(const char *text, unsigned long max, unsigned *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -EINVAL;
    unsigned long number = strtoul(text, &end, 10);
    if (*end || number > max)
        return -EINVAL;
    *ret_number = (unsigned)number;
    return 0;
}

int dns_peer_parse(const char *text, union dns_peer *ret_peer, socklen_t *ret_n)
{
    char address[DNS_ADDRESS_TEXT];
    const char *colon = strrchr(text, ':');
    unsigned port;
    if (!colon || colon == text || parse_number(colon + 1, 65535, &port) < 0)
        return -EINVAL;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    size_t n = (size_t)(colon - text) - (bracketed ? 2 : 0);
    if (n >= sizeof address)
        return -EINVAL;
    memcpy(address, text + bracketed, n);
    address[n] = '\0';
    union dns_peer peer;
    memset(&peer, 0, sizeof peer);
    if (bracketed && inet_pton(AF_INET6, address, &peer.v6.sin6_addr) == 1) {
        peer.v6.sin6_family = AF_INET6;
        peer.v6.sin6_port = htons((uint16_t)port);
        *ret_n = sizeof peer.v6;
    } else if (!bracketed && inet_pton(AF_INET, address, &peer.v4.sin_addr) == 1) {
        peer.v4.sin_family = AF_INET;
        peer.v4.sin_port = htons((uint16_t)port);
        *ret_n = sizeof peer.v4;
    } else {
        return -EINVAL;
    }
    *ret_peer = peer;
    return 0;
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
    return ntohs(peer->any.sa_family == AF_INET6 ? peer->v6.sin6_port : peer->v4.sin_port);
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

int dns_network_parse(const char *text, struct dns_network *ret_network)
{
    char address[DNS_ADDRESS_TEXT];
    size_t n = strcspn(text, "/");
    struct dns_network network = {0};
    unsigned bits;
    if (n >= sizeof address)
        return -EINVAL;
    memcpy(address, text, n);
    address[n] = '\0';
    if (inet_pton(AF_INET, address, network.bytes) == 1)
        network.family_bytes = 4;
    else if (inet_pton(AF_INET6, address, network.bytes) == 1)
        network.family_bytes = 16;
    else
        return -EINVAL;
    bits = network.family_bytes * 8;
    if (text[n] == '/' && parse_number(text + n + 1, bits, &bits) < 0)
        return -EINVAL;
    network.bits = (uint8_t)bits;
    *ret_network = network;
    return 0;
}

static bool contains(const struct dns_network *network, const uint8_t *bytes, size_t n)
{
    size_t whole = network->bits / 8, rest = network->bits % 8;
    if (network->family_bytes != n || memcmp(network->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

bool dns_access_allows(const struct dns_access *access, const union dns_peer *peer)
{
    const uint8_t *bytes;
    size_t n = dns_peer_address(peer, &bytes);
    if (access->n == 0 || dns_peer_is_loopback(peer))
        return true;
    for (size_t i = 0; i < access->n; i++)
        if (contains(&access->networks[i], bytes, n))
            return true;
    return false;
}
