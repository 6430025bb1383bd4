/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a check that asks a URL. */
#include "daemon/check/url_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define MATCH_MAX 65536 /* bytes of an answer in which the text is looked for */

bool url_check_matches(const struct url_check *u)
{
    const char *match = u->spec->match;
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
    bool match = *u->spec->match;
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
    free(u->body);
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
        check_report_line(&u->report, CHECK_FAIL, false, "%s",
                          *u->transfer.error ? u->transfer.error : curl_easy_strerror(result));
    forget_run(u);
}

static void on_found(void *arg, const char *why)
{
    struct url_check *u = arg;
    if (why) {
        check_report_line(&u->report, CHECK_FAIL, false, "%s: %s", u->asked.addresses_of.host, why);
        return;
    }
    u->easy = asked_url_handle(&u->asked);
    if (u->easy) {
        curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers);
        curl_easy_setopt(u->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(u->spec->timeout_ns / NS_PER_MS));
        curl_easy_setopt(u->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(u->easy, CURLOPT_WRITEDATA, u);
        u->ops->set_request(u, u->easy);
        if (curl_transfer_start(&u->transfer, u->loop, u->easy, on_done, u) == 0)
            return;
    }
    forget_run(u);
    check_report_line(&u->report, CHECK_FAIL, false, "no memory");
}

void url_check_start(void *check)
{
    struct url_check *u = check;
    asked_url_find(&u->asked);
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
    asked_url_cancel(&u->asked);
    forget_run(u);
    return u->at;
}

void url_check_close(void *check)
{
    struct url_check *u = check;
    if (!u)
        return;
    forget_run(u);
    asked_url_fini(&u->asked);
    curl_slist_free_all(u->headers);
    free(u);
}

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
    const struct string_list *own = &u->spec->headers;
    bool own_host = false;
    int err = 0;
    for (size_t i = 0; i < own->n && !err; i++) {
        own_host |= strncasecmp(own->items[i], "host:", 5) == 0;
        err = url_check_add_header(u, own->items[i]);
    }
    return !err && u->asked.host && !own_host ? url_check_add_header(u, u->asked.host) : err;
}

int url_check_init(struct url_check *u, const struct url_check_ops *ops, const struct check_tools *tools,
                   const struct check_spec *spec, const char *url, const struct check_report *report)
{
    u->ops = ops;
    u->spec = spec;
    u->report = *report;
    u->loop = tools->curl;
    int err = asked_url_init(&u->asked, spec, url, tools->dns, on_found, u);
    return err ? err : add_headers(u);
}
