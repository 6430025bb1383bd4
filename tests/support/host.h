/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A discoverd as a host of its own: own folder, ports, socket and configuration. Several of them on one machine
 * are several hosts. Every function fails the test when it fails.
 */
#ifndef SUPPORT_HOST_H
#define SUPPORT_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/proc.h"

struct discover;

struct host_options {
    const char *name;      /* default "a" */
    const char *host;      /* what its daemon calls itself; default: name */
    const char *nats;      /* servers, comma separated and in quotes (nats.urls); default: one that is not there */
    const char *lease_ttl; /* default "3s" */
    int dns_port;          /* default: free ones; given where the network is the test's own */
    int http_port;
    bool apart; /* from the other hosts: loopback addresses do not reach them. Default: all are on one machine */
    const char *services; /* what goes between services = ( and ); */
    const char *dns;      /* more lines for the group of that name ... */
    const char *api;
    const char *http;
    const char *registry;
    const char *bus;   /* ... nats = { } */
    const char *extra; /* ... and for the top level */
};

struct host {
    struct proc proc;
    char name[64];
    char folder[192];
    char config[256];
    char socket[256];
    char state_dir[256];
    char services_dir[256];
    int dns_port, http_port;
    struct discover *lib; /* see host_lib */
    char seen[1024];      /* what the last seen_by_... saw, for messages */
};

/* Takes ports and a folder, writes the configuration, starts nothing. */
void host_init(struct host *h, const struct host_options *options);

/* Starts discoverd and does not wait. */
void host_launch(struct host *h);

/* Waits until its socket, DNS and HTTP can be reached; until it follows the registry. */
void host_wait_up(struct host *h);
void host_wait_live(struct host *h);

/* Launches and waits until it is up (and live, unless offline). Stopped cleanly at the end of the test. */
void host_run(struct host *h);
void host_run_offline(struct host *h);

/* host_init and host_run; host_run_offline without options->nats. */
void host_start(struct host *h, const struct host_options *options);

/*
 * kill -9; SIGTERM, after which its instances stay as long as its lease; discoverctl leave, which takes them away. The last
 * two must end it with exit code 0.
 */
void host_kill(struct host *h);
void host_stop(struct host *h);
void host_leave(struct host *h);

/* This host's daemon through libdiscover: one handle, opened on first use, dispatched at every call. */
struct discover *host_lib(struct host *h);

/* Runs discoverctl against the host: its exit code. Arguments end with NULL. */
int ctl(const struct host *h, struct output *ret_output, ...) __attribute__((sentinel));

/* Starts discoverctl in the background; arguments end with NULL. */
void ctl_start(const struct host *h, struct proc *ret_proc, const char *name, ...) __attribute__((sentinel));

/* A counter of the daemon's status by its series, or the sum of a family's; -1: there is none. */
int64_t host_counter(struct host *h, const char *name);

#endif
