/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hosts while what proves who they are is changed: a registers all the time, and b, which looks on, never loses a.
 * Secrets are files in the test's folder.
 */
#ifndef E2E_ROTATION_H
#define E2E_ROTATION_H

#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/proc.h"

#define LEASE_MS 3000

extern struct nats nats;
extern struct host a, b;
extern struct output o;

/* Beside the old one and then in its place, as it should be done. */
void write_secret(const char *name, const char *text);

bool logged(const struct host *h, const char *text);

/* What is looked for; then, each time, one instance more, and whether b still has it; and at the end all of them. */
void register_pay(void);
bool works(void);
void nothing_was_lost(void);

#endif
