/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the octets of a query to the octets of its reply. Each worker has a responder of its own, which only its
 * thread uses. No system call, no lock; no allocation once answers are prepared.
 */
#ifndef DNS_DNS_RESPOND_H
#define DNS_DNS_RESPOND_H

#include "daemon/dns/dns_cache.h"
#include "daemon/dns/dns_metrics.h"
#include "daemon/dns/dns_query.h"
#include "daemon/dns/dns_reverse.h"
#include "daemon/dns/dns_tables.h"
#include "daemon/dns/dns_zone.h"

/* What all workers have in common; never changes while they run. */
struct dns_config {
    struct dns_zones zones;
    struct dns_reverse *reverse; /* NULL without reverse zones */
    uint32_t ttl_s;
    uint16_t udp_payload, loopback_payload;
    uint64_t seed; /* of the order of answers: the same one, the same order; 0: any */
};

/* Where a query came from, as far as the answer depends on it. */
struct dns_client {
    bool tcp;
    bool loopback;
    bool denied;               /* by the access list */
    bool slip;                 /* over the rate limit: has to come by TCP, which cannot be spoofed */
    uint8_t own_address_bytes; /* 4 or 16 */
    uint8_t own_address[16];   /* of ours, that the query was sent to */
};

struct dns_responder;

/* config, tables and counters outlive the responder. -ENOMEM. */
int dns_responder_new(const struct dns_config *config, struct dns_tables *tables, struct dns_counters *counters,
                      size_t cache_bytes, struct dns_responder **ret_r);
void dns_responder_free(struct dns_responder *r);

/* Before each batch of queries that were already received: sees what the table knows now. */
void dns_responder_begin(struct dns_responder *r, int64_t now_ns);

/* Lets go of the table until the next batch: for one that has none for long. */
void dns_responder_rest(struct dns_responder *r);

/*
 * A query on its way to its reply, in four steps. Who has several queries at hand takes the same step for all of
 * them in turn: then the memory that one needs comes while the others are worked on.
 */
struct dns_lookup {
    struct dns_query query;
    const struct dns_client *client;
    size_t limit; /* octets of the reply */
    bool ignored;
    struct dns_cache_key key;
    struct dns_prepared *found; /* as long as the cache has kept nothing since */
    uint64_t found_at;
};

/* packet and client stay until the reply. cap: octets there will be room for, at least 512. */
void dns_lookup_begin(struct dns_responder *r, const uint8_t *packet, size_t n, const struct dns_client *client,
                      size_t cap, struct dns_lookup *ret_l);
void dns_lookup_fetch(struct dns_responder *r, const struct dns_lookup *l);
void dns_lookup_find(struct dns_responder *r, struct dns_lookup *l);

/* Returns the octets of the reply; 0: none is to be sent. */
size_t dns_lookup_reply(struct dns_responder *r, const struct dns_lookup *l, uint8_t *reply);

/*
 * All steps. Writes at most cap (at least 512) octets into reply and returns how many; 0: no reply is to be sent.
 * Large replies over TCP need up to DNS_MESSAGE_MAX.
 */
size_t dns_respond(struct dns_responder *r, const uint8_t *packet, size_t n, const struct dns_client *client,
                   uint8_t *reply, size_t cap);

#endif
