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

#define CHECK_ADDRESSES_MAX 4 /* most addresses that are tried */

union check_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* The addresses are in found. why: NULL, or why there are none; valid during the call. */
typedef void addresses_of_fn(void *arg, const char *why);

struct addresses_of {
    struct evdns_base *dns;
    char host[256];
    uint16_t port;
    bool literal;
    union check_address found[CHECK_ADDRESSES_MAX]; /* valid until the next start */
    size_t n;
    struct addresses_request *request;
    addresses_of_fn *fn;
    void *arg;
};

/* host_port: "host:port", "[::1]:80". -EINVAL. *a must stay where it is until addresses_of_cancel. */
int addresses_of_init(struct addresses_of *a, struct evdns_base *dns, const char *host_port, addresses_of_fn *fn,
                      void *arg);

/* addresses_of_start: fn follows, perhaps from within. addresses_of_cancel: it follows no more. */
void addresses_of_start(struct addresses_of *a);
void addresses_of_cancel(struct addresses_of *a);

#endif
