/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of the host that a check asks. */
#include "daemon/check/addresses_of.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/address_text.h"

/* On the heap, as evdns calls back in any case: also after the check that asked was closed. */
struct addresses_request {
    struct addresses_of *of; /* NULL: the check has been closed */
    struct evdns_getaddrinfo_request *evdns;
};

int addresses_of_init(struct addresses_of *a, struct evdns_base *dns, const char *host_port, addresses_of_fn *fn,
                      void *arg)
{
    const char *host;
    size_t n;
    *a = (struct addresses_of){.dns = dns, .fn = fn, .arg = arg};
    int err = host_port_parse(host_port, &host, &n, &a->port);
    if (err < 0 || a->port == 0 || n == 0 || n >= sizeof a->host)
        return -EINVAL;
    memcpy(a->host, host, n);
    struct sockaddr_storage address;
    socklen_t size;
    a->literal = address_parse(host_port, &address, &size) == 0;
    a->n = a->literal;
    if (a->literal)
        memcpy(&a->found[0], &address, size);
    return 0;
}

static void on_resolved(int err, struct evutil_addrinfo *found, void *arg)
{
    struct addresses_request *request = arg;
    struct addresses_of *a = request->of;
    free(request);
    if (a)
        a->request = NULL, a->n = 0;
    for (struct evutil_addrinfo *f = found; a && f && a->n < CHECK_ADDRESSES_MAX; f = f->ai_next)
        if ((f->ai_family == AF_INET || f->ai_family == AF_INET6) && (size_t)f->ai_addrlen <= sizeof *a->found)
            memcpy(&a->found[a->n++], f->ai_addr, (size_t)f->ai_addrlen);
    if (found)
        evutil_freeaddrinfo(found);
    if (a)
        a->fn(a->arg, err ? evutil_gai_strerror(err) : a->n == 0 ? "the name has no address" : NULL);
}

void addresses_of_start(struct addresses_of *a)
{
    static const struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                                 .ai_socktype = SOCK_STREAM,
                                                 .ai_protocol = IPPROTO_TCP,
                                                 .ai_flags = EVUTIL_AI_NUMERICSERV};
    char port[8];
    if (a->literal) {
        a->fn(a->arg, NULL);
        return;
    }
    struct addresses_request *request = calloc(1, sizeof *request);
    if (!request) {
        a->fn(a->arg, "no memory");
        return;
    }
    snprintf(port, sizeof port, "%u", a->port);
    request->of = a;
    a->request = request;
    /* A name in /etc/hosts calls back before evdns_getaddrinfo returns: then that is NULL, and request is freed. */
    struct evdns_getaddrinfo_request *evdns = evdns_getaddrinfo(a->dns, a->host, port, &hints, on_resolved, request);
    if (evdns)
        request->evdns = evdns;
}

void addresses_of_cancel(struct addresses_of *a)
{
    struct addresses_request *request = a->request;
    if (!request)
        return;
    a->request = NULL;
    request->of = NULL;
    if (request->evdns)
        evdns_getaddrinfo_cancel(request->evdns);
}
