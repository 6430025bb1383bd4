/* SPDX-License-Identifier: Apache-2.0 */
/* The whole responder, threads and sockets, over the fixture's catalog; and plain sockets to talk to it. */
#ifndef UNIT_DNS_LIVE_H
#define UNIT_DNS_LIVE_H

#include "daemon/dns/dns.h"
#include "tests/unit/dns/fixture.h"

extern struct dns *dns;
extern struct dns_options options; /* as live_start uses them */
extern int port;                   /* where it is asked */

/* Listening on 127.0.0.1. setup() comes first. */
void live_options(void);

/* Listens on that address instead ("0.0.0.0", "[::1]"), on a port of its own. */
void live_listen(const char *address);
void live_start(void);
void live_stop(void);

/* Connected to 127.0.0.1; SOCK_DGRAM or SOCK_STREAM. Receiving gives up after five seconds. */
int live_connect(int type);

/* Asks over UDP, and over a TCP connection. The reply is read. */
const struct reply *live_ask(const char *name, uint16_t type);
void live_send_tcp(int fd, const char *name, uint16_t type);
const struct reply *live_receive_tcp(int fd);

/* Waits until the server has closed the connection; fails after five seconds. */
void live_expect_close(int fd);

#endif
