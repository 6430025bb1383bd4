/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of the host that a check asks: an address is taken as it is, a name is looked up for each run, in
 * /etc/hosts and by the system's name servers. Main thread; nothing blocks.
 */
#ifndef CHECK_ADDRESSES_OF_H
#define CHECK_ADDRESSES_OF_H

#include <event2/dns.h>
#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#define CHECK_ADDRESSES_MAX 4 /* that are tried */

union check_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* why: NULL, or why there are none. */
typedef void addresses_of_fn(void *arg, const char *why);

struct addresses_of {
    struct evdns_base *dns;
    char host[256];
    uint16_t port;
    bool literal;
    union check_address found[CHECK_ADDRESSES_MAX]; /* until the next start */
    size_t n;
    struct addresses_request *request;
    addresses_of_fn *fn;
    void *arg;
};

/* "host:port", "[::1]:80". -EINVAL. Stays where it is until addresses_of_cancel. */
int addresses_of_init(struct addresses_of *a, struct evdns_base *dns, const char *host_port, addresses_of_fn *fn,
                      void *arg);

static inline socklen_t check_address_size(const union check_address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->ipv6 : sizeof a->ipv4;
}

/* Calls fn, perhaps within. */
void addresses_of_start(struct addresses_of *a);
void addresses_of_cancel(struct addresses_of *a);

#endif
