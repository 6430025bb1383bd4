/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to an HTTP server on loopback that ask again and again, from one thread. Fails the test when it fails. */
#ifndef BENCH_HTTP_CLIENT_H
#define BENCH_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* A connection that the other side may keep waiting. */
int http_dial(int port);

/* Sends a GET; a connection that is kept. more: further lines of its head, or "". */
void http_ask(int sock, const char *path, const char *more);

/* The bytes of one whole answer, which is read; head and body. */
size_t http_take(int sock, char *ret_answer, size_t cap);

/* Answers a second over so many connections, each asking for the same as soon as it was answered. */
double http_rate(int port, const char *path, size_t connections, int64_t for_ns);

#endif
