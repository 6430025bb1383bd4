/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers compared: each a child process pinned to a core, on a free port of 127.0.0.1. All answer for
 * "s<i>.shop.discover.internal", i below `services`, with `instances` SRV records and their addresses.
 */
#ifndef BENCH_DNS_SERVER_H
#define BENCH_DNS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum server_kind { SERVER_OURS, SERVER_FLOOR, SERVER_KNOT, SERVER_NSD, SERVER_KINDS };

struct server_options {
    enum server_kind kind;
    uint32_t services, instances;
    uint32_t workers;     /* OURS, KNOT, NSD; each on a core of its own, from 0 on */
    uint32_t changes;     /* OURS: services changed per second */
    uint32_t reply_bytes; /* FLOOR */
    bool one_by_one;      /* FLOOR: a datagram for each system call */
    const char *folder;   /* KNOT, NSD: for their files */
};

struct server {
    pid_t pid;
    int port;
};

const char *server_name(enum server_kind kind);

/* Whether the program is installed. */
bool server_available(enum server_kind kind);

/* -ENOENT: not installed; another negative errno. The server may need a moment until it answers. */
int server_start(const struct server_options *o, struct server *ret_s);
void server_stop(struct server *s);

/* CPU time of the process and its children so far. */
int64_t server_cpu_ns(const struct server *s);

/* A port of 127.0.0.1 that is free now; whoever binds it later must be quick. */
int free_port(void);

/* One of the kinds each; in the child. They return only on failure. */
void serve_ours(const struct server_options *o, int ready_fd);
void serve_floor(const struct server_options *o, int ready_fd);

/* Writes configuration and zone into the folder and returns the program's arguments for execv in argv. */
int rival_prepare(const struct server_options *o, int port, const char **argv, size_t max);

/* From now on this process runs only on that core; -1: on all others but core 0, if there are any. */
void pin_to(int core);

#endif
