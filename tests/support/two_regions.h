/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two regions "a" and "b": a nats-server each, with JetStream domains of these names; b accepts leaf nodes, and a's server is
 * one, over a link that can be cut. Daemons of a read b. Every function fails the test when it fails.
 */
#ifndef SUPPORT_TWO_REGIONS_H
#define SUPPORT_TWO_REGIONS_H

#include "tests/support/cable.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"

struct two_regions {
    struct nats a, b;
    struct cable link;
    char listen[256], remote[256]; /* what their configurations say of it */
    const char *mirror;            /* as of regions[].mirror in a; NULL: there is none */
};

void two_regions_start(struct two_regions *r);

/* A daemon of region a, which reads b; one of region b. name: also of its host. */
void two_regions_host_a(struct two_regions *r, struct host *h, const char *name);
void two_regions_host_b(struct two_regions *r, struct host *h, const char *name);

#endif
