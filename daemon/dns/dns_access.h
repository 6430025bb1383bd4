/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of peers, and the list of networks that may ask. Pure; any thread. */
#ifndef DNS_DNS_ACCESS_H
#define DNS_DNS_ACCESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/base/address_text.h"
#include "daemon/dns/dns.h"

/* Any address we can be asked from; smaller than struct sockaddr_storage, of which a batch would not fit a cache. */
union dns_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* As address_parse. */
int dns_peer_parse(const char *text, union dns_peer *ret_peer);

/* The octets of the address: 4 or 16. An inherited IPv6 socket may serve IPv4 too: such addresses have 4. */
size_t dns_ipv6_address(const struct in6_addr *address, const uint8_t **ret_bytes);
size_t dns_peer_address(const union dns_peer *peer, const uint8_t **ret_bytes);
uint16_t dns_peer_port(const union dns_peer *peer);
bool dns_peer_same_address(const union dns_peer *x, const union dns_peer *y); /* whatever the ports */
bool dns_peer_is_loopback(const union dns_peer *peer);
bool dns_peer_is_wildcard(const union dns_peer *peer);

struct dns_access {
    struct network networks[DNS_ALLOW_MAX];
    size_t n; /* 0: everybody may ask */
};

/* Whether an address may ask. Loopback always may. */
bool dns_access_allows(const struct dns_access *access, const union dns_peer *peer);

#endif
