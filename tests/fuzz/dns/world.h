/* SPDX-License-Identifier: Apache-2.0 */
/* A small catalog made of octets, and a responder over it. */
#ifndef FUZZ_DNS_WORLD_H
#define FUZZ_DNS_WORLD_H

#include "daemon/dns/dns_respond.h"
#include "daemon/dns/dns_message.h"

/* mode: bits for sync state, transport, client, and whether there are many zones. instances: four octets each. */
struct dns_client world_begin(uint8_t mode, const uint8_t *instances, size_t n);
void world_end(void);

size_t world_ask(const uint8_t *query, size_t n, const struct dns_client *as,
                 uint8_t ret_reply[static DNS_MESSAGE_MAX]);

#endif
