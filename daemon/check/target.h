/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check talks to, and the little HTTP it needs for that. Pure; any thread.
 *
 * HTTP/1.0 on purpose: no interim responses come back to it (RFC 9110 section 15.2), no chunks, and the server
 * closes. Only the status line is read.
 */
#ifndef CHECK_TARGET_H
#define CHECK_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config/service_config.h"

struct target {
    char host[256]; /* a name or an address, without brackets */
    uint16_t port;
    char path[CHECK_TARGET_CAP]; /* of an HTTP check, with its query; "" for TCP */
};

#define HTTP_REQUEST_CAP (CHECK_TARGET_CAP + 512)

/* "host:port", "[::1]:80" for TCP; "http://host[:port][/path]" for HTTP. -EINVAL. */
int target_parse(enum check_kind kind, const char *text, struct target *ret_target);

/* The request, with its NUL; returns its length. */
size_t target_http_request(const struct target *t, char ret_request[static HTTP_REQUEST_CAP]);

/* The status code out of the first n bytes of an answer; 0: more bytes are needed; -EBADMSG: not HTTP. */
int target_http_status(const char *bytes, size_t n);

#endif
