/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every resolver that hands discoverd's zone on must show, whichever it is. Each function is a whole
 * test: it starts the registry and the forwarder. Main thread only; everything fails the test when it fails.
 */
#ifndef CLIENTS_FORWARDER_H
#define CLIENTS_FORWARDER_H

#include "tests/clients/stage.h"

/* (Re)starts the forwarder for host b of the stage, set up with its example and one more change, on a port of
 * loopback. */
typedef void forwarder_fn(const struct stage *s, int port, struct change change);

/* Instances come, on either host, go, and come again; SRV, its targets, A, TXT. */
void forwarder_follows(forwarder_fn *start);

/* Who asks too early is not told "no such name" for longer than the negative TTL (RFC 2308). */
void forwarder_asked_too_early(forwarder_fn *start);

/* More than one datagram holds. */
void forwarder_sixty(forwarder_fn *start);

/* PTR. */
void forwarder_reverse(forwarder_fn *start);

/* NATS away: the same answers. Daemon that cannot know: SERVFAIL. Both over: at once as before. */
void forwarder_without_nats(forwarder_fn *start);

/* The daemon is gone for a while, during which it is asked for; then it is back. */
void forwarder_daemon_down(forwarder_fn *start);

/* Each change of the example, up to one that is empty, takes something away that is needed. */
void forwarder_needs(forwarder_fn *start, const struct change *changes);

#endif
