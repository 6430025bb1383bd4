/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instance a key belongs to: weighted rendezvous hashing (Thaler and Ravishankar; Schindelhauer and Schomaker for
 * the weights). The owner follows from what everybody knows of the instances, their addresses, ports and weights, so
 * that clients of any daemon and clients over DNS agree; an instance that comes or goes moves only its own keys. Pure;
 * any thread.
 */
#ifndef LIBDISCOVER_BALANCE_RENDEZVOUS_H
#define LIBDISCOVER_BALANCE_RENDEZVOUS_H

#include <stdbool.h>
#include <stddef.h>

#include "discover/discover.h"

/* A hash of an instance's address and port; its id if it has no address. */
uint64_t rendezvous_site(const struct discover_endpoint *endpoint);

/* The best so far of those that were offered for a key. {0}: none yet. */
struct rendezvous {
    uint64_t random;
    uint32_t weight;
    double score;
};

/* Offers one; whether it is better than the best so far, which it then is. Its weight is not 0. */
bool rendezvous_offer(struct rendezvous *r, uint64_t key_hash, uint64_t site, uint32_t weight);

#endif
