/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nats-server with the very accounts of examples/nats/registry.conf, the buckets made, and daemons under them. Every
 * function fails the test when it fails.
 */
#ifndef SUPPORT_REGISTRY_SERVER_H
#define SUPPORT_REGISTRY_SERVER_H

#include "tests/support/host.h"
#include "tests/support/nats_server.h"

struct registry_server {
    const char *program;   /* nats-server; NULL: that of nats_server.h */
    bool batches;          /* with response_type: stream, as the file says for servers from 2.11 on */
    const char *lease_ttl; /* of the buckets and of the daemons; NULL: "3s" */
    const char *registry;  /* more lines for the group of that name when the buckets are made, or NULL */
    struct nats nats;
    char config[512], list[512]; /* copies of registry.conf and hosts.txt, to be changed */
    char admin_url[96];          /* of the operator, in the buckets' account */
};

/* Starts it and makes the buckets as discoverd --init does. What stands above nats is set before. */
void registry_server_start(struct registry_server *r);

/* Adds a line to the list, and does what its head says. */
void registry_server_add(struct registry_server *r, const char *line);

/* A discoverd as that host, which is in the list with the password "<name>-secret". */
void registry_server_host(struct registry_server *r, struct host *h, const char *name);

/* The path of nats-server as another suite of Debian has it, or NULL when it cannot be had, and then says so. */
const char *registry_server_program(const char *suite);

#endif
