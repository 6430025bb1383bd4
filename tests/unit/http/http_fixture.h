/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP interface in front of a real catalog, and clients of it in the same thread: between their calls the loop turns.
 * One at a time, by global variables.
 */
#ifndef UNIT_HTTP_HTTP_FIXTURE_H
#define UNIT_HTTP_HTTP_FIXTURE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

#include "daemon/catalog/catalog.h"
#include "daemon/http/http.h"

#define ANSWER_MAX (16 << 20)
#define HEAD_CAP   4096

extern struct event_base *base;
extern struct metrics *metrics;
extern struct catalog *catalog;
extern struct http *http;
extern int port;     /* where it listens, on 127.0.0.1 */
extern char *answer; /* the body of the last answer, chunks put together */
extern char head[HEAD_CAP];

void setup(void);
void teardown(void);

/* The same once more, with these options and nothing in the catalog; it listens where the fixture says. */
void restart(struct http_options options);

/* What the interface reaches. */
void status_op(void *arg, Discover__V1__Status *s);

void set_sync(enum table_sync sync);

/* An instance of shop/<service> on this host; add_many: that many services <prefix>-<n>, and writes them. */
void add(const char *service, const char *instance, enum discover_state state);
void add_many(const char *prefix, int n);

uint64_t counter(const char *name);

int dial(void);
void turn(void);

/* Everything until the server closes. */
size_t read_all(int sock, char *bytes, size_t cap);
bool unchunk(char *body); /* in place; false: the end is missing */

/* The status, with head and answer; closes the socket. */
int take_answer(int sock);
int ask(const char *request);
int get(const char *path);
json_t *get_json(const char *path);
const char *text_of(const json_t *json, const char *name);

#endif
