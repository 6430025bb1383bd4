/* SPDX-License-Identifier: Apache-2.0 */
/* A GET on loopback, read to the end of the connection. Chunked bodies are left as they come. Any thread; no state. */
#ifndef SUPPORT_HTTP_H
#define SUPPORT_HTTP_H

#include <stddef.h>

/* The status code and the whole answer, head included, as text; or -ECONNREFUSED, -ETIMEDOUT (5 s), -EPROTO. */
int http_get(int port, const char *path, char *ret_answer, size_t cap);

#endif
