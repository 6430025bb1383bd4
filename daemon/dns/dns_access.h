/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: their texts, what is loopback, and the list of networks that may ask. Pure; any thread. */
#ifndef DNS_DNS_ACCESS_H
#define DNS_DNS_ACCESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/dns/dns.h"

/* Any address we can be asked from; smaller than struct sockaddr_storage, of which a batch would not fit a cache. */
union dns_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

#define DNS_ADDRESS_TEXT 64

/* "127.0.0.1:53" or "[::1]:53". -EINVAL. */
int dns_peer_parse(const char *text, union dns_peer *ret_peer, socklen_t *ret_n);

/* The octets of the address: 4 or 16. An inherited IPv6 socket may serve IPv4 too: such addresses have 4. */
size_t dns_ipv6_address(const struct in6_addr *address, const uint8_t **ret_bytes);
size_t dns_peer_address(const union dns_peer *peer, const uint8_t **ret_bytes);
uint16_t dns_peer_port(const union dns_peer *peer);
bool dns_peer_same_address(const union dns_peer *x, const union dns_peer *y); /* whatever the ports */
bool dns_peer_is_loopback(const union dns_peer *peer);
bool dns_peer_is_wildcard(const union dns_peer *peer);

struct dns_network {
    uint8_t bytes[16];
    uint8_t family_bytes; /* 4 or 16 */
    uint8_t bits;
};

struct dns_access {
    struct dns_network networks[DNS_ALLOW_MAX];
    size_t n; /* 0: everybody may ask */
};

/* "10.0.0.0/8", "2001:db8::/32", or a single address. -EINVAL. */
int dns_network_parse(const char *text, struct dns_network *ret_network);

/* Whether an address may ask. Loopback always may. */
bool dns_access_allows(const struct dns_access *access, const union dns_peer *peer);

#endif
