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

#include "daemon/check/url_check.h"
#include "proto/health.pb-c.h"

#define FRAME_HEAD 5

struct grpc {
    struct url_check url;
    int status; /* grpc-status of the present run; -1: not seen */
    char message[256];
    size_t question_n;
    uint8_t question[];
};

/* The value of a header of that name, which is not terminated; NULL: the line is another header. */
static const char *value_of(const char *line, size_t n, const char *name)
{
    size_t name_n = strlen(name);
    if (n <= name_n || strncasecmp(line, name, name_n) != 0 || line[name_n] != ':')
        return NULL;
    for (name_n++; name_n < n && line[name_n] == ' '; name_n++) {
    }
    return line + name_n;
}

/* Called for each line of the headers and of the trailers. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct grpc *g = arg;
    n *= size;
    const char *status = value_of(bytes, n, "grpc-status"), *message = value_of(bytes, n, "grpc-message");
    if (status && status < bytes + n && *status >= '0' && *status <= '9')
        g->status = (int)strtol(status, NULL, 10); /* strtol stops there, as a line end follows */
    if (message)
        snprintf(g->message, sizeof g->message, "%.*s", (int)(bytes + n - message), message);
    g->message[strcspn(g->message, "\r\n")] = '\0';
    return n;
}

/* The state of health in the answer; -1: it is no answer. */
static int health_of(const struct url_check *u)
{
    const uint8_t *answer = (const uint8_t *)u->body;
    uint32_t length;
    if (u->body_n < FRAME_HEAD || answer[0] != 0)
        return -1;
    memcpy(&length, answer + 1, sizeof length);
    if (ntohl(length) != u->body_n - FRAME_HEAD)
        return -1;
    Grpc__Health__V1__HealthCheckResponse *r =
        grpc__health__v1__health_check_response__unpack(NULL, u->body_n - FRAME_HEAD, answer + FRAME_HEAD);
    int health = r ? (int)r->status : -1;
    grpc__health__v1__health_check_response__free_unpacked(r, NULL);
    return health;
}

static void answered(struct url_check *u, long code)
{
    static const char *const words[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    const struct grpc *g = (const struct grpc *)u;
    int health = health_of(u);
    if (code != 200)
        check_report_line(u->setup, CHECK_FAIL, false, "HTTP status %ld", code);
    else if (g->status > 0)
        check_report_line(u->setup, CHECK_FAIL, false, "grpc-status %d%s%s", g->status, *g->message ? ": " : "",
                          g->message);
    else if (g->status < 0 || health < 0 || (size_t)health >= sizeof words / sizeof *words)
        check_report_line(u->setup, CHECK_FAIL, false, "the answer is none of grpc.health.v1");
    else
        check_report_line(u->setup,
                          health == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING ? CHECK_PASS
                                                                                                     : CHECK_FAIL,
                          false, "%s", words[health]);
}

static void set_request(struct url_check *u, CURL *easy)
{
    struct grpc *g = (struct grpc *)u;
    g->status = -1;
    g->message[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(u->setup->spec->tls.on ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, &g->question[0]);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)g->question_n);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, g);
}

/* service: "shop.Payment", or "" for the server. */
static struct grpc *grpc_new(const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)service;
    size_t n = grpc__health__v1__health_check_request__get_packed_size(&request);
    uint32_t length = htonl((uint32_t)n);
    struct grpc *g = calloc(1, sizeof *g + FRAME_HEAD + n);
    if (!g)
        return NULL;
    memcpy(g->question + 1, &length, sizeof length);
    grpc__health__v1__health_check_request__pack(&request, g->question + FRAME_HEAD);
    g->question_n = FRAME_HEAD + n;
    return g;
}

static int grpc_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    static const struct url_check_ops ops = {set_request, answered};
    char url[CHECK_TEXT_LEN + 64];
    size_t n = strcspn(setup->spec->grpc, "/");
    struct grpc *g = grpc_new(setup->spec->grpc[n] ? setup->spec->grpc + n + 1 : "");
    if (!g)
        return -ENOMEM;
    snprintf(url, sizeof url, "%s://%.*s/grpc.health.v1.Health/Check", setup->spec->tls.on ? "https" : "http", (int)n,
             setup->spec->grpc);
    int err = url_check_init(&g->url, &ops, setup, url);
    if (err == -EINVAL)
        *ret_why = "grpc: not a host and a port";
    if (!err)
        err = url_check_add_header(&g->url, "Content-Type: application/grpc");
    if (!err)
        err = url_check_add_header(&g->url, "TE: trailers");
    if (err)
        url_check_close(g);
    else
        *ret_check = g;
    return err;
}

const struct check_kind check_grpc = {grpc_open, url_check_start, url_check_cancel, url_check_close};
