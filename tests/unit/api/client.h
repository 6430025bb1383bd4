/* SPDX-License-Identifier: Apache-2.0 */
/* A server with a real agent behind it, and clients of it, all in one process and one loop. */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/api/api.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/frame.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"

struct server {
    struct event_base *base;
    struct metrics *metrics;
    struct agent *agent;
    struct api *api;
    char dir[64], path[96];
    int table_fd;
    size_t n_local; /* instances in the local catalog */
    size_t clients_gone, leaves, reloads;
    int64_t status_takes_ns; /* to fill in */
};

extern struct server s;

struct test_client {
    int sock;
    struct frame_reader reader;
};

int server_listen(struct api_options options);
void server_prepare(void);
void server_start(struct api_options options);
void server_stop(void);

/* What is answered to a status request: the host, and how many registrations there are. */
void server_status(void *arg, Discover__V1__Status *ret_status);

uint64_t counter(const char *name);
void turn(void);     /* until there is nothing more to do */
void go_round(void); /* the loop, once */

/* --- clients --- */

struct test_client dial(void);
void hang_up(struct test_client *c);
void send_bytes(struct test_client *c, const void *bytes, size_t n);
void send_message(struct test_client *c, const Discover__V1__ClientMessage *m);

/* The next message, or NULL once the server has closed. Waits for one of them. */
Discover__V1__ServerMessage *receive(struct test_client *c);
void release(Discover__V1__ServerMessage *m);
void expect_closed(struct test_client *c);

/* An error with that code, whose reason contains the text. */
void expect_error(struct test_client *c, Discover__V1__Error__Code code, const char *text);
void send_hello(struct test_client *c, uint32_t min, uint32_t max);
struct test_client dial_and_greet(void);

/* Connects as another user and group: the kernel remembers who connected. */
struct test_client dial_as(uid_t uid, gid_t extra_group);
void expect_ok(struct test_client *c);

void send_register(struct test_client *c, const char *service, const char *instance, uint32_t port, uint32_t ttl_ms,
                   int32_t pid);
void expect_registered(struct test_client *c, const char *instance);

void ask_status(struct test_client *c);
void expect_status(struct test_client *c);
void ask_watch(struct test_client *c, const char *service);
void expect_reported(struct test_client *c);

#endif
