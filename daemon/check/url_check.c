/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a check that asks a URL. */
#include "daemon/check/url_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define MATCH_MAX 65536 /* bytes of an answer in which the text is looked for */

/*
 * A folder with a file for each of the authorities, named by a hash: of the system's some hundred only the one that is
 * needed is read. As one file, which is curl's default, they would take milliseconds at each connection.
 */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

/* --- how the URL is reached --- */

static const char *own_name(const struct url_check *u)
{
    return u->setup->spec->tls.server_name;
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
static int set_way(struct url_check *u, CURL *easy)
{
    char text[700], address[64];
    const struct addresses_of *a = &u->addresses_of;
    if (*u->setup->spec->socket || (a->literal && !*own_name(u)))
        return 0;
    size_t n = (size_t)snprintf(text, sizeof text, a->n == 1 ? "::" : "%s:%u:", u->name, u->addresses_of.port);
    for (size_t i = 0; i < a->n && n < sizeof text; i++) {
        put_address(&a->found[i], address, sizeof address);
        n += (size_t)snprintf(text + n, sizeof text - n, a->n == 1 ? "%s:%u" : "%s,", address, u->addresses_of.port);
    }
    if (a->n > 1)
        text[n - 1] = '\0'; /* the last comma */
    u->way = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, a->n == 1 ? CURLOPT_CONNECT_TO : CURLOPT_RESOLVE, u->way);
    return u->way ? 0 : -ENOMEM;
}

static void set_tls(const struct url_check *u, CURL *easy)
{
    const struct check_spec *s = u->setup->spec;
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

/* An easy handle that asks the URL; NULL: no memory. */
static CURL *make_handle(struct url_check *u)
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
    if (*u->setup->spec->socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, u->setup->spec->socket);
    set_tls(u, easy);
    if (set_way(u, easy) == 0)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* --- a run --- */

bool url_check_matches(const struct url_check *u)
{
    const char *match = u->setup->spec->match;
    return !*match || (u->body && memmem(u->body, u->body_n, match, strlen(match)));
}

static int make_room(struct url_check *u, size_t n)
{
    size_t cap = u->body_cap ? u->body_cap : 1024;
    while (cap < n)
        cap *= 2;
    if (cap <= u->body_cap)
        return 0;
    char *body = realloc(u->body, cap);
    if (!body)
        return -ENOMEM;
    u->body = body;
    u->body_cap = cap;
    return 0;
}

/* Keeps a part of the body. Once that is enough, 0 ends the transfer, which closes the connection in the middle. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct url_check *u = arg;
    bool match = *u->setup->spec->match;
    size_t max = match ? MATCH_MAX : CHECK_OUTPUT_MAX, left = max - u->body_n, took = size * n < left ? size * n : left;
    if (make_room(u, u->body_n + took) < 0)
        return 0;
    memcpy(u->body + u->body_n, bytes, took);
    u->body_n += took;
    u->enough = u->body_n == max || (match && u->body_n >= CHECK_OUTPUT_MAX && url_check_matches(u));
    return u->enough ? 0 : size * n;
}

static void forget_run(struct url_check *u)
{
    curl_transfer_cancel(&u->transfer);
    if (u->easy)
        curl_easy_cleanup(u->easy);
    curl_slist_free_all(u->way);
    free(u->body);
    u->way = NULL;
    u->easy = NULL;
    u->body = NULL;
    u->body_n = u->body_cap = 0;
    u->enough = false;
}

static void on_done(void *arg, CURLcode result)
{
    struct url_check *u = arg;
    long code = 0;
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &code);
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && u->enough))
        u->ops->answered(u, code);
    else
        check_report_line(u->setup, CHECK_FAIL, false, "%s",
                          *u->transfer.error ? u->transfer.error : curl_easy_strerror(result));
    forget_run(u);
}

static void on_found(void *arg, const char *why)
{
    struct url_check *u = arg;
    if (why) {
        check_report_line(u->setup, CHECK_FAIL, false, "%s: %s", u->addresses_of.host, why);
        return;
    }
    u->easy = make_handle(u);
    if (u->easy) {
        curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers);
        curl_easy_setopt(u->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(u->setup->spec->timeout_ns / NS_PER_MS));
        curl_easy_setopt(u->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(u->easy, CURLOPT_WRITEDATA, u);
        u->ops->set_request(u, u->easy);
        if (curl_transfer_start(&u->transfer, u->setup->tools->curl, u->easy, on_done, u) == 0)
            return;
    }
    forget_run(u);
    check_report_line(u->setup, CHECK_FAIL, false, "no memory");
}

void url_check_start(void *check)
{
    struct url_check *u = check;
    if (*u->setup->spec->socket)
        on_found(u, NULL);
    else
        addresses_of_start(&u->addresses_of);
}

const char *url_check_cancel(void *check)
{
    struct url_check *u = check;
    long code = 0;
    double connected = 0;
    if (u->easy) {
        (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &code);
        (void)curl_easy_getinfo(u->easy, CURLINFO_CONNECT_TIME, &connected);
    }
    if (code)
        snprintf(u->at, sizeof u->at, "reading the answer, whose status is %ld", code);
    else
        snprintf(u->at, sizeof u->at, "%s",
                 !u->easy        ? "looking the name up"
                 : connected > 0 ? "waiting for an answer"
                                 : "connecting");
    addresses_of_cancel(&u->addresses_of);
    forget_run(u);
    return u->at;
}

void url_check_close(void *check)
{
    struct url_check *u = check;
    if (!u)
        return;
    addresses_of_cancel(&u->addresses_of);
    forget_run(u);
    curl_slist_free_all(u->headers);
    curl_free(u->url);
    free(u->host_header);
    free(u);
}

/* --- making one --- */

int url_check_add_header(struct url_check *u, const char *header)
{
    struct curl_slist *headers = curl_slist_append(u->headers, header);
    if (!headers)
        return -ENOMEM;
    u->headers = headers;
    return 0;
}

/* A Host header that the check has of its own goes before ours. */
static int add_headers(struct url_check *u)
{
    const struct string_list *own = &u->setup->spec->headers;
    bool own_host = false;
    int err = 0;
    for (size_t i = 0; i < own->n && !err; i++) {
        own_host |= strncasecmp(own->items[i], "host:", 5) == 0;
        err = url_check_add_header(u, own->items[i]);
    }
    return !err && u->host_header && !own_host ? url_check_add_header(u, u->host_header) : err;
}

/*
 * Changes the URL's host to the name that the certificate must prove; the Host header keeps the host that stood there.
 */
static int take_server_name(struct url_check *u, CURLU *parts, const char *host, const char *port)
{
    if (!*own_name(u))
        return 0;
    size_t cap = strlen(host) + strlen(port) + sizeof "Host: :";
    u->host_header = malloc(cap);
    if (!u->host_header)
        return -ENOMEM;
    snprintf(u->host_header, cap, "Host: %s:%s", host, port);
    snprintf(u->name, sizeof u->name, "%s", own_name(u));
    return curl_url_set(parts, CURLUPART_HOST, own_name(u), 0) == CURLUE_OK ? 0 : -ENOMEM;
}

static int take_parts(struct url_check *u, CURLU *parts, const char *url, struct evdns_base *dns)
{
    char *host = NULL, *port = NULL, target[300];
    int err = -EINVAL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        (size_t)snprintf(target, sizeof target, "%s:%s", host, port) < sizeof target) {
        snprintf(u->name, sizeof u->name, "%s", host);
        err = addresses_of_init(&u->addresses_of, dns, target, on_found, u);
    }
    if (!err)
        err = take_server_name(u, parts, host, port);
    if (!err && curl_url_get(parts, CURLUPART_URL, &u->url, 0) != CURLUE_OK)
        err = -ENOMEM;
    curl_free(host);
    curl_free(port);
    return err;
}

static int take_url(struct url_check *u, const char *url, struct evdns_base *dns)
{
    CURLU *parts = curl_url();
    int err = parts ? take_parts(u, parts, url, dns) : -ENOMEM;
    curl_url_cleanup(parts);
    return err;
}

int url_check_init(struct url_check *u, const struct url_check_ops *ops, const struct check_setup *setup,
                   const char *url)
{
    u->ops = ops;
    u->setup = setup;
    int err = take_url(u, url, setup->tools->dns);
    return err ? err : add_headers(u);
}
