/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of kind grpc: grpc.health.v1.Health/Check, which is one POST over HTTP/2 whose body is a message behind five bytes
 * (a flag for compression, and its length); how it went stands in the trailer grpc-status, or in the headers when there is
 * no answer. (gRPC over HTTP/2: "Requests", "Responses"; gRPC Health Checking Protocol.)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check/asked_url.h"
#include "daemon/check/kind.h"
#include "proto/health.pb-c.h"

#define FRAME_HEAD 5
#define ANSWER_MAX 512

struct grpc {
    struct check_report report;
    const struct check_spec *spec;
    struct curl_loop *loop;
    struct asked_url asked;
    struct curl_slist *headers;
    uint8_t *question;
    size_t question_n;

    /* of the present run */
    struct curl_transfer transfer;
    CURL *easy;
    uint8_t answer[ANSWER_MAX];
    size_t answer_n;
    int status; /* grpc-status; -1: not seen */
    char message[256];
};

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct grpc *g = arg;
    if (size * n > sizeof g->answer - g->answer_n)
        return 0;
    memcpy(g->answer + g->answer_n, bytes, size * n);
    g->answer_n += size * n;
    return size * n;
}

/* The value of a header of that name, or NULL; not terminated. */
static const char *value_of(const char *line, size_t n, const char *name)
{
    size_t name_n = strlen(name);
    if (n <= name_n || strncasecmp(line, name, name_n) != 0 || line[name_n] != ':')
        return NULL;
    for (name_n++; name_n < n && line[name_n] == ' '; name_n++) {
    }
    return line + name_n;
}

/* Headers and trailers. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct grpc *g = arg;
    n *= size;
    const char *status = value_of(bytes, n, "grpc-status"), *message = value_of(bytes, n, "grpc-message");
    if (status && status < bytes + n && *status >= '0' && *status <= '9')
        g->status = (int)strtol(status, NULL, 10); /* a line end follows */
    if (message)
        snprintf(g->message, sizeof g->message, "%.*s", (int)(bytes + n - message), message);
    g->message[strcspn(g->message, "\r\n")] = '\0';
    return n;
}

static void forget_run(struct grpc *g)
{
    curl_transfer_cancel(&g->transfer);
    if (g->easy)
        curl_easy_cleanup(g->easy);
    g->easy = NULL;
}

/* What the server says of itself, or -1: it is no answer. */
static int health_of(const struct grpc *g)
{
    uint32_t length;
    if (g->answer_n < FRAME_HEAD || g->answer[0] != 0)
        return -1;
    memcpy(&length, g->answer + 1, sizeof length);
    if (ntohl(length) != g->answer_n - FRAME_HEAD)
        return -1;
    Grpc__Health__V1__HealthCheckResponse *r =
        grpc__health__v1__health_check_response__unpack(NULL, g->answer_n - FRAME_HEAD, g->answer + FRAME_HEAD);
    int health = r ? (int)r->status : -1;
    grpc__health__v1__health_check_response__free_unpacked(r, NULL);
    return health;
}

static void report_health(struct grpc *g, long code)
{
    static const char *const words[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    int health = health_of(g);
    if (code != 200)
        check_report_line(&g->report, CHECK_FAIL, false, "HTTP status %ld", code);
    else if (g->status != 0)
        check_report_line(&g->report, CHECK_FAIL, false, "grpc-status %d%s%s", g->status, *g->message ? ": " : "",
                          g->message);
    else if (health < 0 || (size_t)health >= sizeof words / sizeof *words)
        check_report_line(&g->report, CHECK_FAIL, false, "the answer is none of grpc.health.v1");
    else
        check_report_line(&g->report,
                          health == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING ? CHECK_PASS
                                                                                                     : CHECK_FAIL,
                          false, "%s", words[health]);
}

static void on_done(void *arg, CURLcode result)
{
    struct grpc *g = arg;
    long code = 0;
    (void)curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &code);
    const char *why = *g->transfer.error ? g->transfer.error : curl_easy_strerror(result);
    forget_run(g);
    if (result != CURLE_OK)
        check_report_line(&g->report, CHECK_FAIL, false, "%s", why);
    else
        report_health(g, code);
}

static void set_request(struct grpc *g, CURL *easy)
{
    bool tls = g->spec->tls.on;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, g->question);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)g->question_n);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, g->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(g->spec->timeout_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, g);
}

static void on_found(void *arg, const char *why)
{
    struct grpc *g = arg;
    if (why) {
        check_report_line(&g->report, CHECK_FAIL, false, "%s: %s", g->asked.addresses_of.host, why);
        return;
    }
    g->answer_n = 0;
    g->status = -1;
    g->message[0] = '\0';
    g->easy = asked_url_handle(&g->asked);
    if (g->easy)
        set_request(g, g->easy);
    if (g->easy && curl_transfer_start(&g->transfer, g->loop, g->easy, on_done, g) == 0)
        return;
    forget_run(g);
    check_report_line(&g->report, CHECK_FAIL, false, "no memory");
}

static void grpc_start(void *check)
{
    struct grpc *g = check;
    asked_url_find(&g->asked);
}

static const char *grpc_cancel(void *check)
{
    struct grpc *g = check;
    const char *at = g->easy ? "waiting for an answer" : "looking the name up";
    asked_url_cancel(&g->asked);
    forget_run(g);
    return at;
}

static void grpc_close(void *check)
{
    struct grpc *g = check;
    if (!g)
        return;
    forget_run(g);
    asked_url_fini(&g->asked);
    curl_slist_free_all(g->headers);
    free(g->question);
    free(g);
}

/* service: "shop.Payment", or "" for the server. */
static int make_question(struct grpc *g, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)service;
    size_t n = grpc__health__v1__health_check_request__get_packed_size(&request);
    uint32_t length = htonl((uint32_t)n);
    g->question = calloc(1, FRAME_HEAD + n);
    if (!g->question)
        return -ENOMEM;
    memcpy(g->question + 1, &length, sizeof length);
    grpc__health__v1__health_check_request__pack(&request, g->question + FRAME_HEAD);
    g->question_n = FRAME_HEAD + n;
    return 0;
}

static int add_headers(struct grpc *g)
{
    const char *const headers[] = {"Content-Type: application/grpc", "TE: trailers", g->asked.host};
    for (size_t i = 0; i < sizeof headers / sizeof *headers && headers[i]; i++) {
        struct curl_slist *more = curl_slist_append(g->headers, headers[i]);
        if (!more)
            return -ENOMEM;
        g->headers = more;
    }
    return 0;
}

static int grpc_open(const struct check_tools *tools, const struct check_spec *spec,
                     const struct check_subject *subject, const struct check_report *report, void **ret_check,
                     const char **ret_why)
{
    struct grpc *g = calloc(1, sizeof *g);
    char url[CHECK_TEXT_LEN + 64];
    size_t n = strcspn(spec->grpc, "/");
    (void)subject;
    if (!g)
        return -ENOMEM;
    g->report = *report;
    g->spec = spec;
    g->loop = tools->curl;
    snprintf(url, sizeof url, "%s://%.*s/grpc.health.v1.Health/Check", spec->tls.on ? "https" : "http", (int)n,
             spec->grpc);
    int err = asked_url_init(&g->asked, spec, url, tools->dns, on_found, g);
    if (err == -EINVAL)
        *ret_why = "grpc: not a host and a port";
    if (!err)
        err = make_question(g, spec->grpc[n] ? spec->grpc + n + 1 : "");
    if (!err)
        err = add_headers(g);
    if (err)
        grpc_close(g);
    else
        *ret_check = g;
    return err;
}

const struct check_kind check_grpc = {grpc_open, grpc_start, grpc_cancel, grpc_close};
