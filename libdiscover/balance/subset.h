/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic subsetting: each client of a large service keeps to a few of its instances. Pure; any thread.
 *
 * The instances stand in a circle, in the order of what their addresses come to, the same for everybody; a client takes
 * `size` of them, one after the other from its own place on. Places of clients with consecutive numbers are as even as
 * can be, however many there are, so that every instance gets its share of clients; and an instance that comes or goes
 * moves a client by one or two.
 */
#ifndef LIBDISCOVER_BALANCE_SUBSET_H
#define LIBDISCOVER_BALANCE_SUBSET_H

#include <stddef.h>
#include <stdint.h>

#include "discover/discover.h"

/* Which of n endpoints, of one group, are the client's: their numbers, rising; size < n of them. -ENOMEM. */
int subset_choose(const struct discover_endpoint *endpoints, size_t n, size_t size, uint32_t client,
                  uint32_t *ret_chosen);

#endif
