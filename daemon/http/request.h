/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP request (RFC 9112 sections 2 to 6), as much of it as a read-only server needs. Pure; any bytes.
 *
 * Nothing here takes a body. Whoever announces one is refused, and the connection ends with the answer: nothing that
 * follows it could be taken for a request.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_HEAD_MAX  8192
#define REQUEST_PATH_CAP  512
#define REQUEST_QUERY_CAP 1024
#define REQUEST_HOST_CAP  264
#define REQUEST_TAGS_CAP  256

struct request {
    bool head_only; /* the method is HEAD */
    bool chunks;    /* HTTP/1.1 or later: it understands chunked answers */
    bool keep;      /* the client wants to send another request on this connection */
    /* of the target or the Host field, with its port if there is one; "": HTTP/1.0 need not have it */
    char host[REQUEST_HOST_CAP];
    char path[REQUEST_PATH_CAP];       /* decoded; begins with '/', has no control characters */
    char query[REQUEST_QUERY_CAP];     /* what follows the '?', as it came: query_string.h reads it */
    char none_match[REQUEST_TAGS_CAP]; /* If-None-Match; "": none, or longer than any tags of ours */
    char last_event[24];               /* Last-Event-ID; "": none, or none that is ours */
};

/*
 * Reads the n bytes that have come so far. 0: more are needed; 200: *ret_request is whole, and *ret_used bytes long;
 * otherwise the status to refuse it with, after which nothing more is to be read:
 *   400  it cannot be read, or could be read in two ways
 *   405  not GET or HEAD
 *   411  its body has no length (Transfer-Encoding)
 *   413  a GET or HEAD with a body
 *   414, 431  too long
 *   417  it expects something else than 100-continue, which no refusal needs
 *   505  not HTTP/1
 */
int request_parse(const char *bytes, size_t n, struct request *ret_request, size_t *ret_used);

/* Whether If-None-Match names this entity tag, by weak comparison (RFC 9110 section 13.1.2). */
bool request_has_tag(const struct request *r, const char *tag);

/* "Not Found" */
const char *http_status_text(int status);

#endif
