/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, from one structure to another; and which are loopback, link-local or otherwise of no use to another host. */
#include "libdiscover/core/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool addresses_equal(const struct addresses *a, const struct addresses *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* bytes throughout */
}

void addresses_set(struct addresses *a, enum discover_family family, const void *bytes)
{
    a->families |= (uint8_t)family;
    if (family == DISCOVER_HAS_IPV4)
        memcpy(a->ipv4, bytes, sizeof a->ipv4);
    else
        memcpy(a->ipv6, bytes, sizeof a->ipv6);
}

struct addresses addresses_of_endpoint(const struct discover_endpoint *endpoint)
{
    struct addresses a = {.families = endpoint->families & (DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6)};
    memcpy(a.ipv4, endpoint->ipv4, sizeof a.ipv4);
    memcpy(a.ipv6, endpoint->ipv6, sizeof a.ipv6);
    return a;
}

void addresses_to_endpoint(const struct addresses *a, struct discover_endpoint *endpoint)
{
    endpoint->families = a->families;
    memcpy(endpoint->ipv4, a->ipv4, sizeof a->ipv4);
    memcpy(endpoint->ipv6, a->ipv6, sizeof a->ipv6);
}

void addresses_to_host(const struct addresses *a, struct discover_host *host)
{
    host->families = a->families;
    memcpy(host->ipv4, a->ipv4, sizeof a->ipv4);
    memcpy(host->ipv6, a->ipv6, sizeof a->ipv6);
}

void addresses_text(const struct addresses *a, char ret_text[static ADDRESSES_TEXT_CAP])
{
    char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";
    if (a->families & DISCOVER_HAS_IPV4)
        inet_ntop(AF_INET, a->ipv4, v4, sizeof v4);
    if (a->families & DISCOVER_HAS_IPV6)
        inet_ntop(AF_INET6, a->ipv6, v6, sizeof v6);
    snprintf(ret_text, ADDRESSES_TEXT_CAP, "%s%s%s", v4, v4[0] && v6[0] ? ", " : "", v6);
}

static const char *useless_ipv4(const uint8_t b[static 4])
{
    if (b[0] == 0)
        return "an unspecified address (0.0.0.0/8): nobody can connect to it; leave it out to register the host's";
    if (b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255)
        return "the broadcast address: nobody can connect to it";
    if (b[0] >= 224 && b[0] < 240)
        return "a multicast address: nobody can connect to it";
    if (b[0] >= 240)
        return "a reserved address (240.0.0.0/4): nobody can connect to it";
    if (b[0] == 169 && b[1] == 254)
        return "a link-local address (169.254.0.0/16): other networks cannot reach it";
    if (b[0] == 192 && b[1] == 0 && b[2] == 0 && b[3] == 8)
        return "the IPv4 dummy address: nobody can connect to it"; /* RFC 7600 section 4.8 */
    return NULL;
}

static const char *useless_ipv6(const uint8_t b[static 16])
{
    struct in6_addr a;
    memcpy(&a, b, sizeof a);
    if (IN6_IS_ADDR_UNSPECIFIED(&a))
        return "the unspecified address (::): nobody can connect to it; leave it out to register the host's";
    if (IN6_IS_ADDR_MULTICAST(&a))
        return "a multicast address: nobody can connect to it";
    if (IN6_IS_ADDR_LINKLOCAL(&a))
        return "a link-local address (fe80::/10): it means nothing without the link it is on";
    if (IN6_IS_ADDR_V4MAPPED(&a))
        return "an IPv4-mapped address: write the IPv4 address itself";
    if (IN6_IS_ADDR_V4COMPAT(&a))
        return "an IPv4-compatible address (::/96): write the IPv4 address itself"; /* RFC 4291 section 2.5.5.1 */
    return NULL;
}

const char *address_useless(int family, const uint8_t *bytes)
{
    return family == AF_INET ? useless_ipv4(bytes) : useless_ipv6(bytes);
}

bool address_is_loopback(int family, const uint8_t *bytes)
{
    static const uint8_t one[16] = {[15] = 1};
    return family == AF_INET ? bytes[0] == 127 : memcmp(bytes, one, sizeof one) == 0;
}
