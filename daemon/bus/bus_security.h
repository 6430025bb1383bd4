/* SPDX-License-Identifier: Apache-2.0 */
/* By what a connection proves who we are, and checks who the server is. Main thread, before the connection is made. */
#ifndef BUS_SECURITY_H
#define BUS_SECURITY_H

#include <nats/nats.h>

#include "daemon/bus/bus.h"

/* Reads the files that options name. NATS_INVALID_ARG and others, with *ret_why (static): they cannot be used. */
natsStatus bus_security_set(natsOptions *o, const struct bus_options *options, const char **ret_why);

#endif
