/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through the interfaces for the host's addresses. */
#include "daemon/registry/host_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

static void consider(struct record *r, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET && !(r->families & DISCOVER_HAS_IPV4)) {
        memcpy(r->ipv4, &((const struct sockaddr_in *)address)->sin_addr, sizeof r->ipv4);
        bool link_local = r->ipv4[0] == 169 && r->ipv4[1] == 254; /* RFC 3927 */
        if (!link_local)
            r->families |= DISCOVER_HAS_IPV4;
    }
    if (address->sa_family == AF_INET6 && !(r->families & DISCOVER_HAS_IPV6)) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        memcpy(r->ipv6, in6, sizeof r->ipv6);
        if (!IN6_IS_ADDR_LINKLOCAL(in6))
            r->families |= DISCOVER_HAS_IPV6;
    }
}

void host_address_find(struct record *r)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) == 0)
        for (const struct ifaddrs *i = list; i; i = i->ifa_next)
            if (i->ifa_addr && (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK))
                consider(r, i->ifa_addr);
    freeifaddrs(list);
    if (!r->families)
        (void)record_add_address(r, "127.0.0.1");
}
