/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP request (RFC 9112 sections 2 to 5), as much of it as a read-only server needs. Pure. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_HEAD_MAX 8192
#define REQUEST_PATH_CAP 512
#define REQUEST_HOST_CAP 264

struct request {
    bool head_only;              /* HEAD */
    bool chunks;                 /* HTTP/1.1 or later: it understands chunked answers */
    char host[REQUEST_HOST_CAP]; /* of the Host field, with its port if any; "": none, which HTTP/1.0 allows */
    char path[REQUEST_PATH_CAP]; /* without the query; not decoded: no name of ours needs it */
};

/*
 * Reads the n bytes that have come so far. 0: more are needed; 200: *ret_request is whole; otherwise the status to
 * refuse it with: 400, 405, 413 (it has a body), 414, 431, 505.
 */
int request_parse(const char *bytes, size_t n, struct request *ret_request);

/* "Not Found" */
const char *http_status_text(int status);

#endif
