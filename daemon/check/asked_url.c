/* SPDX-License-Identifier: Apache-2.0 */
/* The URL that a check asks, and how it is reached. */
#include "daemon/check/asked_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A folder with a file for each of the authorities, named by a hash: of the system's some hundred only the one that is
 * needed is read. As one file, which is curl's default, they would take milliseconds at each connection.
 */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

static const char *own_name(const struct asked_url *u)
{
    return u->spec->tls.server_name;
}

/*
 * Changes the URL's host to the name that the certificate must prove; the Host header keeps the host that stood there.
 */
static int take_server_name(struct asked_url *u, CURLU *parts, const char *host, const char *port)
{
    if (!*own_name(u))
        return 0;
    size_t cap = strlen(host) + strlen(port) + sizeof "Host: :";
    u->host = malloc(cap);
    if (!u->host)
        return -ENOMEM;
    snprintf(u->host, cap, "Host: %s:%s", host, port);
    snprintf(u->name, sizeof u->name, "%s", own_name(u));
    return curl_url_set(parts, CURLUPART_HOST, own_name(u), 0) == CURLUE_OK ? 0 : -ENOMEM;
}

static int take_parts(struct asked_url *u, CURLU *parts, const char *url, struct evdns_base *dns, addresses_of_fn *fn,
                      void *arg)
{
    char *host = NULL, *port = NULL, target[300];
    int err = -EINVAL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        (size_t)snprintf(target, sizeof target, "%s:%s", host, port) < sizeof target) {
        snprintf(u->name, sizeof u->name, "%s", host);
        err = addresses_of_init(&u->addresses_of, dns, target, fn, arg);
        u->port = u->addresses_of.port;
    }
    if (!err)
        err = take_server_name(u, parts, host, port);
    if (!err && curl_url_get(parts, CURLUPART_URL, &u->url, 0) != CURLUE_OK)
        err = -ENOMEM;
    curl_free(host);
    curl_free(port);
    return err;
}

int asked_url_init(struct asked_url *u, const struct check_spec *spec, const char *url, struct evdns_base *dns,
                   addresses_of_fn *fn, void *arg)
{
    *u = (struct asked_url){.spec = spec};
    CURLU *parts = curl_url();
    if (!parts)
        return -ENOMEM;
    int err = take_parts(u, parts, url, dns, fn, arg);
    curl_url_cleanup(parts);
    if (err)
        asked_url_fini(u);
    return err;
}

static void forget_way(struct asked_url *u)
{
    curl_slist_free_all(u->way);
    u->way = NULL;
}

void asked_url_fini(struct asked_url *u)
{
    asked_url_cancel(u);
    curl_free(u->url);
    free(u->host);
    u->url = u->host = NULL;
}

void asked_url_find(struct asked_url *u)
{
    forget_way(u);
    if (*u->spec->socket)
        u->addresses_of.fn(u->addresses_of.arg, NULL);
    else
        addresses_of_start(&u->addresses_of);
}

void asked_url_cancel(struct asked_url *u)
{
    addresses_of_cancel(&u->addresses_of);
    forget_way(u);
}

static void put_address(const union check_address *a, char *ret_text, size_t cap)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool ipv6 = a->any.sa_family == AF_INET6;
    (void)inet_ntop(a->any.sa_family, ipv6 ? (const void *)&a->ipv6.sin6_addr : (const void *)&a->ipv4.sin_addr, text,
                    sizeof text);
    snprintf(ret_text, cap, ipv6 ? "[%s]" : "%s", text);
}

/*
 * Sets the addresses to connect to. CURLOPT_CONNECT_TO, for one address, concerns this transfer alone; only
 * CURLOPT_RESOLVE takes several.
 */
static int set_way(struct asked_url *u, CURL *easy)
{
    char text[700], address[64];
    const struct addresses_of *a = &u->addresses_of;
    if (*u->spec->socket || (a->literal && !*own_name(u)))
        return 0;
    size_t n = (size_t)snprintf(text, sizeof text, a->n == 1 ? "::" : "%s:%u:", u->name, u->port);
    for (size_t i = 0; i < a->n && n < sizeof text; i++) {
        put_address(&a->found[i], address, sizeof address);
        n += (size_t)snprintf(text + n, sizeof text - n, a->n == 1 ? "%s:%u" : "%s,", address, u->port);
    }
    if (a->n > 1)
        text[n - 1] = '\0'; /* the last comma */
    u->way = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, a->n == 1 ? CURLOPT_CONNECT_TO : CURLOPT_RESOLVE, u->way);
    return u->way ? 0 : -ENOMEM;
}

static void set_tls(const struct asked_url *u, CURL *easy)
{
    const struct check_spec *s = u->spec;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* so that each run sees the certificate */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, s->tls.verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, s->tls.verify ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, *s->tls.ca ? s->tls.ca : NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, *s->tls.ca || !s->tls.verify ? NULL : SYSTEM_AUTHORITIES);
    if (*s->tls.cert) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, s->tls.cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, s->tls.key);
    }
}

CURL *asked_url_handle(struct asked_url *u)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, u->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "discoverd");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* the check is whether a new connection can be made */
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    if (*u->spec->socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, u->spec->socket);
    set_tls(u, easy);
    if (set_way(u, easy) == 0)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}
