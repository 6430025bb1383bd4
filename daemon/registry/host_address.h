/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses other hosts reach this one at, when the configuration does not say. Main thread. */
#ifndef REGISTRY_HOST_ADDRESS_H
#define REGISTRY_HOST_ADDRESS_H

#include "libdiscover/core/record.h"

/*
 * Adds the first address of each family on an interface that is up: not loopback, not link-local. On a machine
 * without any, 127.0.0.1: then all that can be reached is here.
 */
void host_address_find(struct record *r);

#endif
