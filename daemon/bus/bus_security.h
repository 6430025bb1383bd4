/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, passwords, nkeys and TLS of a connection: how it proves who we are, and checks who the server is. Any thread. */
#ifndef BUS_SECURITY_H
#define BUS_SECURITY_H

#include <nats/nats.h>

#include "daemon/bus/bus_access.h"

/*
 * Reads the files that access names, and sets what they say. NATS_INVALID_ARG and others, with the key, the file and
 * what is wrong with it: they cannot be used. Blocks on the disk.
 */
natsStatus bus_security_set(natsOptions *o, const struct bus_access *access, char ret_why[static BUS_WHY_CAP]);

/* Checks whether what access names can be used: 0, -EINVAL with why, -ENOMEM. */
int bus_security_check(const struct bus_access *access, char ret_why[static BUS_WHY_CAP]);

/*
 * Replaces reason, by nats.c, with why TLS failed, as far as OpenSSL and our own certificate show it: "our certificate
 * (nats.tls.cert) has expired". Of the thread that has just tried to connect, by options that bus_security_set has set right
 * before.
 */
void bus_security_explain(const struct bus_access *access, char *reason, size_t cap);

#endif
