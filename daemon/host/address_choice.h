/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the addresses of this machine that its lease publishes. Pure; any thread.
 *
 * By the configuration: an address as it is, "%eth1" (the interface's), "10.0.0.0/8" (one in that network); the first
 * that has one counts, for each family by itself. Without: the address from which this machine sends to its NATS server,
 * as that is the network it has in common with the others; else that of the default route; else the first there is. Only
 * what will stay is taken: never a deprecated, tentative or temporary address, or one of an interface without carrier.
 */
#ifndef HOST_ADDRESS_CHOICE_H
#define HOST_ADDRESS_CHOICE_H

#include "daemon/base/string_list.h"
#include "daemon/host/interfaces.h"
#include "libdiscover/core/address.h"

#define ADDRESS_CHOICE_WHY_CAP 260

/* The address from which this machine sends to some destination. */
struct address_source {
    bool known;
    uint8_t bytes[16];
};

struct address_choice_input {
    const struct interface_address *all;
    size_t n;
    const struct string_list *configured; /* as configured; empty: chosen from all */
    struct address_source to_server[2];   /* from where this machine sends to NATS: IPv4, IPv6 */
    struct address_source to_default[2];  /* the same for its default route */
    bool allow_loopback;                  /* take 127.0.0.1 if there is no other */
};

/* ret_why: which address was chosen and why, or why there is none; a line for people. */
void address_choice(const struct address_choice_input *in, struct addresses *ret_addresses,
                    char ret_why[static ADDRESS_CHOICE_WHY_CAP]);

#endif
