/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for the library: a real socket on which the test itself plays the daemon, frame by frame, and real tables.
 * One thread plays both sides: the client's time-out is 0, so that no call of it ever waits; what it is to read
 * is sent before. Everything fails by failing the test.
 */
#ifndef LIB_STAGE_H
#define LIB_STAGE_H

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/frame.h"
#include "proto/api.pb-c.h"

#define HELLO_ID 1 /* of a handle's first message; they count on from there */

struct stage {
    char folder[64], path[96];
    int listener, peer; /* -1: none */
    struct frame_reader in;
    int64_t clock_ns; /* the daemon's, as it says; 0: it does not */
};

void stage_open(struct stage *s);
void stage_close(struct stage *s);

/* Takes the connection that the client has made. */
void stage_accept(struct stage *s);
void stage_hang_up(struct stage *s);

/* The client's next message, or NULL; freed by the caller. */
Discover__V1__ClientMessage *stage_take(struct stage *s);

/* Takes a message that must be of that kind, and returns its id. */
uint32_t stage_expect(struct stage *s, Discover__V1__ClientMessage__BodyCase kind);

void stage_send_bytes(struct stage *s, const void *bytes, size_t n, int fd);
void stage_send(struct stage *s, Discover__V1__ServerMessage *msg, int fd);

/* The answers that tests need. */
void stage_welcome(struct stage *s, uint32_t id, uint32_t version, int fd);
void stage_ok(struct stage *s, uint32_t id);
void stage_error(struct stage *s, uint32_t id, Discover__V1__Error__Code code, const char *reason);
void stage_registered(struct stage *s, uint32_t id, const char *service, const char *instance);
void stage_table_moved(struct stage *s, int fd);

/* A handle with a time-out of 0 on this stage, not started. */
struct discover *stage_handle(struct stage *s);

/* The same, started, welcomed with a table, and up. */
struct discover *stage_client(struct stage *s, int table_fd);

/* A catalog of this host ("web-1") in which "shop/payment" has n usable instances p0... on ports from `port` on. */
struct catalog *stage_catalog(size_t n, uint16_t port);

/* The same, whose table is soon outgrown: moved is told of the next one. */
struct catalog *stage_catalog_small(size_t n, uint16_t port, table_moved_fn *moved);

int stage_table_fd(struct catalog *c);

/* Puts one instance on this host and flushes. */
void stage_put(struct catalog *c, const char *key, enum discover_state state, uint16_t port);

#endif
