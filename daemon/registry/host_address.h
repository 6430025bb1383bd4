/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses at which others reach this host: read when the daemon starts, and again when the kernel says that links,
 * addresses or routes have changed. Main thread.
 */
#ifndef REGISTRY_HOST_ADDRESS_H
#define REGISTRY_HOST_ADDRESS_H

#include <event2/event.h>

#include "daemon/config/config.h"
#include "libdiscover/core/address.h"

struct host_address;

/* The addresses have changed: look at host_address_get. */
typedef void host_address_fn(void *arg);

/*
 * Reads the addresses, without calling fn. config stays the caller's. -ENOMEM; without rtnetlink it goes on, with a
 * warning, and looks every ten seconds.
 */
int host_address_new(struct event_base *base, const struct config *config, host_address_fn *fn, void *arg,
                     struct host_address **ret_h);
void host_address_free(struct host_address *h); /* NULL is fine */

/*
 * host_address_look_soon: reads the addresses again in the loop's next turn, after the configuration has changed.
 * host_address_set_server: reads them at once, as seen from the server that is connected to, and may call fn.
 */
void host_address_look_soon(struct host_address *h);
void host_address_set_server(struct host_address *h, const char *url);

const struct addresses *host_address_get(const struct host_address *h);

/* What was taken and why, or why there is none, for people. */
const char *host_address_why(const struct host_address *h);

#endif
