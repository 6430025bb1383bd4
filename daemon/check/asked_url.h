/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URL that a check asks, and how it is reached: at the addresses of its host, over TLS as the check says, or over a Unix
 * socket. What http and grpc have in common. Main thread; nothing blocks but for the reading of certificates' files.
 */
#ifndef CHECK_ASKED_URL_H
#define CHECK_ASKED_URL_H

#include "daemon/check/addresses_of.h"
#include "daemon/base/curl_loop.h"
#include "daemon/check/kind.h"

struct asked_url {
    char *url;      /* with the name that the certificate must prove, if that is not the host's */
    char *host;     /* "Host: ..." when the host is not the URL's; or NULL */
    char name[256]; /* the URL's host */
    uint16_t port;
    const struct check_spec *spec;
    struct addresses_of addresses_of;
    struct curl_slist *way; /* where to connect in the present run, for curl */
};

/*
 * fn: called when it is known how the URL is reached, or why it is not. spec and dns stay the caller's. -EINVAL: url;
 * -ENOMEM.
 */
int asked_url_init(struct asked_url *u, const struct check_spec *spec, const char *url, struct evdns_base *dns,
                   addresses_of_fn *fn, void *arg);
void asked_url_fini(struct asked_url *u);

/* asked_url_find: fn follows, perhaps from within. asked_url_cancel: it follows no more. */
void asked_url_find(struct asked_url *u);
void asked_url_cancel(struct asked_url *u);

/*
 * An easy handle that asks the URL; NULL: no memory. To be made after fn was called, and cleaned up by the caller
 * before the next asked_url_find.
 */
CURL *asked_url_handle(struct asked_url *u);

#endif
