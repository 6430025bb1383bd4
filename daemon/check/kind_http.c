/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind http: a request is answered with a code that passes, and with a text that must stand in the answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check/asked_url.h"
#include "daemon/check/kind.h"

#define MATCH_MAX 65536 /* bytes of an answer in which a text is looked for */
#define REDIRECTS 5

struct http {
    struct check_report report;
    const struct check_spec *spec;
    struct curl_loop *loop;
    struct asked_url asked;
    struct curl_slist *headers;

    /* of the present run */
    struct curl_transfer transfer;
    CURL *easy;
    char *body;
    size_t body_n, body_cap;
    bool enough; /* has been read, and the rest is left */
    char at[64]; /* what was under way when it was cancelled */
};

/* --- the answer --- */

static bool matches(const struct http *h)
{
    const char *match = h->spec->match;
    return !*match || (h->body && memmem(h->body, h->body_n, match, strlen(match)));
}

static size_t body_max(const struct http *h)
{
    return *h->spec->match ? MATCH_MAX : CHECK_OUTPUT_MAX;
}

static int make_room(struct http *h, size_t n)
{
    size_t cap = h->body_cap ? h->body_cap : 1024;
    while (cap < n)
        cap *= 2;
    if (cap <= h->body_cap)
        return 0;
    char *body = realloc(h->body, cap);
    if (!body)
        return -ENOMEM;
    h->body = body;
    h->body_cap = cap;
    return 0;
}

/* What is not needed is not read: the connection is closed in the middle then. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct http *h = arg;
    size_t left = body_max(h) - h->body_n, took = size * n < left ? size * n : left;
    if (make_room(h, h->body_n + took) < 0)
        return 0;
    memcpy(h->body + h->body_n, bytes, took);
    h->body_n += took;
    h->enough = h->body_n == body_max(h) || (*h->spec->match && h->body_n >= CHECK_OUTPUT_MAX && matches(h));
    return h->enough ? 0 : size * n;
}

static bool code_passes(const struct http *h, long code)
{
    for (size_t i = 0; i < h->spec->codes.n; i++) {
        const char *text = h->spec->codes.items[i];
        long from = atol(text), to = text[3] ? atol(text + 4) : from;
        if (code >= from && code <= to)
            return true;
    }
    return false;
}

static void forget_run(struct http *h)
{
    curl_transfer_cancel(&h->transfer);
    if (h->easy)
        curl_easy_cleanup(h->easy);
    free(h->body);
    h->easy = NULL;
    h->body = NULL;
    h->body_n = h->body_cap = 0;
    h->enough = false;
}

/* The code, and the beginning of the answer below it. */
static void report_answer(struct http *h, enum check_result result, long code, const char *why)
{
    char text[CHECK_OUTPUT_MAX];
    size_t n = (size_t)snprintf(text, sizeof text, "status %ld%s", code, why);
    size_t body_n = h->body_n < sizeof text - n - 1 ? h->body_n : sizeof text - n - 1;
    if (body_n > 0) {
        text[n++] = '\n';
        memcpy(text + n, h->body, body_n);
    }
    forget_run(h);
    h->report.fn(h->report.arg, result, false, text, n + body_n);
}

static void on_done(void *arg, CURLcode result)
{
    struct http *h = arg;
    long code = 0;
    if (result == CURLE_WRITE_ERROR && h->enough)
        result = CURLE_OK;
    (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &code);
    if (result != CURLE_OK) {
        const char *why = *h->transfer.error ? h->transfer.error : curl_easy_strerror(result);
        forget_run(h);
        check_report_line(&h->report, CHECK_FAIL, false, "%s", why);
    } else if (!code_passes(h, code)) {
        report_answer(h, code == 429 ? CHECK_WARN : CHECK_FAIL, code, "");
    } else if (!matches(h)) {
        report_answer(h, CHECK_FAIL, code, ", but the text that must be in the answer is not");
    } else {
        report_answer(h, CHECK_PASS, code, "");
    }
}

/* --- the request --- */

static void set_request(const struct http *h, CURL *easy)
{
    const struct check_spec *s = h->spec;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (*s->body)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, s->body);
    if (strcmp(s->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (*s->method)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, s->method);
    if (h->headers)
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
    if (s->redirects) {
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(s->timeout_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
}

static void on_found(void *arg, const char *why)
{
    struct http *h = arg;
    if (why) {
        check_report_line(&h->report, CHECK_FAIL, false, "%s: %s", h->asked.addresses_of.host, why);
        return;
    }
    h->easy = asked_url_handle(&h->asked);
    if (h->easy)
        set_request(h, h->easy);
    if (h->easy && curl_transfer_start(&h->transfer, h->loop, h->easy, on_done, h) == 0)
        return;
    forget_run(h);
    check_report_line(&h->report, CHECK_FAIL, false, "no memory");
}

static void http_start(void *check)
{
    struct http *h = check;
    asked_url_find(&h->asked);
}

static const char *http_cancel(void *check)
{
    struct http *h = check;
    long code = 0;
    double connected = 0;
    if (h->easy) {
        (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &code);
        (void)curl_easy_getinfo(h->easy, CURLINFO_CONNECT_TIME, &connected);
    }
    if (code)
        snprintf(h->at, sizeof h->at, "reading the answer, whose status is %ld", code);
    else
        snprintf(h->at, sizeof h->at, "%s",
                 !h->easy        ? "looking the name up"
                 : connected > 0 ? "waiting for an answer"
                                 : "connecting");
    asked_url_cancel(&h->asked);
    forget_run(h);
    return h->at;
}

static void http_close(void *check)
{
    struct http *h = check;
    if (!h)
        return;
    forget_run(h);
    asked_url_fini(&h->asked);
    curl_slist_free_all(h->headers);
    free(h);
}

static int add_header(struct http *h, const char *header)
{
    struct curl_slist *headers = curl_slist_append(h->headers, header);
    if (!headers)
        return -ENOMEM;
    h->headers = headers;
    return 0;
}

/* A header of the check's own counts instead of ours. */
static int add_headers(struct http *h)
{
    bool own_host = false;
    int err = 0;
    for (size_t i = 0; i < h->spec->headers.n && !err; i++) {
        own_host |= strncasecmp(h->spec->headers.items[i], "host:", 5) == 0;
        err = add_header(h, h->spec->headers.items[i]);
    }
    return !err && h->asked.host && !own_host ? add_header(h, h->asked.host) : err;
}

static int http_open(const struct check_tools *tools, const struct check_spec *spec,
                     const struct check_subject *subject, const struct check_report *report, void **ret_check,
                     const char **ret_why)
{
    struct http *h = calloc(1, sizeof *h);
    (void)subject;
    if (!h)
        return -ENOMEM;
    h->report = *report;
    h->spec = spec;
    h->loop = tools->curl;
    int err = asked_url_init(&h->asked, spec, spec->http, tools->dns, on_found, h);
    if (err == -EINVAL)
        *ret_why = "http: not a URL";
    if (!err)
        err = add_headers(h);
    if (err)
        http_close(h);
    else
        *ret_check = h;
    return err;
}

const struct check_kind check_http = {http_open, http_start, http_cancel, http_close};
