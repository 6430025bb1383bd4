/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind http: a request is answered with a code that passes, and with a text that must stand in the answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check/url_check.h"

#define REDIRECTS 5

static bool code_passes(const struct check_spec *spec, long code)
{
    for (size_t i = 0; i < spec->codes.n; i++) {
        const char *text = spec->codes.items[i];
        long from = atol(text), to = text[3] ? atol(text + 4) : from;
        if (code >= from && code <= to)
            return true;
    }
    return false;
}

/* Reports the code of the answer, and below it the beginning of its body. */
static void report_answer(const struct url_check *u, enum check_result result, long code, const char *why)
{
    char text[CHECK_OUTPUT_MAX];
    size_t n = (size_t)snprintf(text, sizeof text, "status %ld%s", code, why);
    size_t body_n = u->body_n < sizeof text - n - 1 ? u->body_n : sizeof text - n - 1;
    if (body_n > 0) {
        text[n++] = '\n';
        memcpy(text + n, u->body, body_n);
    }
    check_report(u->setup, result, false, text, n + body_n);
}

static void answered(struct url_check *u, long code)
{
    if (!code_passes(u->setup->spec, code))
        report_answer(u, code == 429 ? CHECK_WARN : CHECK_FAIL, code, "");
    else if (!url_check_matches(u))
        report_answer(u, CHECK_FAIL, code, ", but the text that must be in the answer is not");
    else
        report_answer(u, CHECK_PASS, code, "");
}

static void set_request(struct url_check *u, CURL *easy)
{
    const struct check_spec *s = u->setup->spec;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (*s->body)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, s->body);
    if (strcmp(s->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (*s->method)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, s->method);
    if (s->redirects) {
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    }
}

static int http_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    static const struct url_check_ops ops = {set_request, answered};
    struct url_check *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    int err = url_check_init(u, &ops, setup, setup->spec->http);
    if (err == -EINVAL)
        *ret_why = "http: not a URL";
    if (err)
        url_check_close(u);
    else
        *ret_check = u;
    return err;
}

const struct check_kind check_http = {http_open, url_check_start, url_check_cancel, url_check_close};
