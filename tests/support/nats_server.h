/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real nats-servers with JetStream, one or a cluster, file storage in the test's folder. The program is
 * $NATS_SERVER, else nats-server from PATH. Every function fails the test when it fails.
 */
#ifndef SUPPORT_NATS_SERVER_H
#define SUPPORT_NATS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/proc.h"

#define NATS_SERVERS_MAX 3

struct nats_server {
    struct proc proc;
    char name[16];
    int port, route_port, leaf_port;
    char url[48];
    char store[256]; /* its JetStream files */
};

struct nats {
    struct nats_server server[NATS_SERVERS_MAX];
    size_t n;
    const char *domain; /* of JetStream, or NULL; borrowed */
    bool leafs;         /* each server accepts leaf nodes, at its leaf_port */
    bool no_jetstream;
    const char *extra; /* more lines for each server's configuration, or NULL; borrowed */
    char urls[160];    /* of all servers, as the configuration of discoverd wants them: "nats://...", "nats://..." */
};

/* The program that is started: $NATS_SERVER, else nats-server from PATH. */
const char *nats_server_program(void);

/* Takes ports and folders, starts nothing. */
void nats_init(struct nats *nats, size_t n_servers);

/* nats_init, starts all, and waits until JetStream answers. */
void nats_start(struct nats *nats, size_t n_servers);

/* One server: starts it (again, with its old files) without waiting; kill -9; SIGSTOP and SIGCONT. */
void nats_server_launch(struct nats *nats, size_t i);
void nats_server_kill(struct nats *nats, size_t i);
void nats_server_pause(struct nats *nats, size_t i);
void nats_server_resume(struct nats *nats, size_t i);

/* Writes its configuration anew, as nats->extra is now, and lets it take that. */
void nats_server_reload(struct nats *nats, size_t i);

/* Lame-duck mode: tells its clients to go, and stops when they have, or after its lame_duck_duration. */
void nats_server_lame_duck(struct nats *nats, size_t i);

/* Deletes its files; it must not run. */
void nats_server_wipe(struct nats *nats, size_t i);

/* Waits until JetStream answers on every server. */
void nats_wait_ready(struct nats *nats);

#endif
