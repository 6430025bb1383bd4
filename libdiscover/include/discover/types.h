/* SPDX-License-Identifier: Apache-2.0 */
/* The structures in which look-ups and lists describe instances and hosts. Included by discover/discover.h. */
#ifndef DISCOVER_TYPES_H
#define DISCOVER_TYPES_H

#include <stddef.h>
#include <stdint.h>

enum discover_protocol { DISCOVER_TCP = 0, DISCOVER_UDP = 1 };

enum discover_state {
    DISCOVER_PASSING = 1,
    DISCOVER_WARNING = 2,
    DISCOVER_CRITICAL = 3,
    DISCOVER_MAINTENANCE = 4,
    DISCOVER_DRAINING = 5,
};

/* How near an instance is, seen from this host. */
enum discover_tier { DISCOVER_HOST = 0, DISCOVER_ZONE = 1, DISCOVER_REGION = 2, DISCOVER_ELSEWHERE = 3 };

/* Bits of discover_endpoint's families. */
enum discover_family { DISCOVER_HAS_IPV4 = 1, DISCOVER_HAS_IPV6 = 2 };

/* One instance, as resolve copies it. 40 bytes; the layout is part of the ABI. */
struct discover_endpoint {
    uint8_t ipv6[16];  /* network order; valid when families has DISCOVER_HAS_IPV6 */
    uint8_t ipv4[4];   /* network order; valid when families has DISCOVER_HAS_IPV4 */
    uint16_t port;     /* host order */
    uint8_t families;  /* DISCOVER_HAS_... */
    uint8_t state;     /* enum discover_state */
    uint32_t weight;   /* 1..65535: its share of the calls */
    uint16_t priority; /* lower is used first */
    uint8_t protocol;  /* enum discover_protocol */
    uint8_t tier;      /* enum discover_tier */
    uint64_t id;       /* names the instance (domain, service, host, instance) for as long as it lives */
};

/* One pair of an instance's metadata. */
struct discover_pair {
    const char *key, *value;
};

/* One instance with all its details, as lists give it. */
struct discover_instance {
    const char *service; /* "domain/service" */
    const char *host;
    const char *instance;
    const char *hostname; /* "", or a name instead of addresses: the endpoint has what that resolved to */
    const char *zone;
    const char *region;
    struct discover_endpoint endpoint;
    int usable; /* not 0: discover_resolve would return it */
    const char *const *tags;
    size_t n_tags;
    const struct discover_pair *meta;
    size_t n_meta;
};

/* One host, as lists give it. */
struct discover_host {
    const char *name;
    const char *region, *zone;
    uint8_t ipv4[4], ipv6[16];
    uint8_t families;
    int alive;          /* not 0: its lease has not run out */
    uint32_t instances; /* how many it has, usable or not */
};

#endif
