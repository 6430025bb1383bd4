/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of one endpoint or host, at most one of each family. Pure; any thread. */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "discover/discover.h"

struct addresses {
    uint8_t families;          /* DISCOVER_HAS_IPV4, DISCOVER_HAS_IPV6; 0: none */
    uint8_t ipv4[4], ipv6[16]; /* network order; zeros when there is none */
};

/* Why a loopback address is refused: one text for the library, the socket, the configuration and JSON records. */
#define ADDRESS_LOOPBACK_REFUSED                                                                                       \
    "a loopback address: no other host can reach it; leave it out to have this host's, or set allow_loopback = true "  \
    "in "                                                                                                              \
    "discoverd.conf where all hosts are on one machine"

#define ADDRESSES_TEXT_CAP (INET_ADDRSTRLEN + INET6_ADDRSTRLEN + 2)

bool addresses_equal(const struct addresses *a, const struct addresses *b);

/* Sets the address of one family: 4 (IPv4) or 16 bytes (IPv6) in network order. */
void addresses_set(struct addresses *a, enum discover_family family, const void *bytes);

/* Converts from an endpoint of the public header, and to an endpoint or a host of it. */
struct addresses addresses_of_endpoint(const struct discover_endpoint *endpoint);
void addresses_to_endpoint(const struct addresses *a, struct discover_endpoint *endpoint);
void addresses_to_host(const struct addresses *a, struct discover_host *host);

/* "10.0.1.22, 2001:db8::1"; "" when there is none. */
void addresses_text(const struct addresses *a, char ret_text[static ADDRESSES_TEXT_CAP]);

/*
 * Why nobody could reach an instance there: static text; NULL: somebody may. Loopback is not among the reasons, since
 * all hosts may be on one machine: see address_is_loopback.
 */
const char *address_useless(int family, const uint8_t *bytes);
bool address_is_loopback(int family, const uint8_t *bytes);

#endif
