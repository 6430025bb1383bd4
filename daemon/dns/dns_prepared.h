/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A prepared answer: all of a reply but its header, its question and its OPT record. Giving it to a client is
 * two copies and a few stores. One thread's.
 *
 * Order: the records of an answer stand in groups (one priority, one nearness). For each reply one record of each
 * group is drawn by weight and moved to the front of its group. So the first is always a fair draw, and the whole
 * order is one that drawing without putting back would give (the "Tsetlin library": that order is what moving to
 * the front leaves invariant), for the price of a short move within memory that is about to be copied anyway.
 * Answers that were cut short have no groups: what is left out must be the same every time.
 *
 * Names: the addresses of SRV targets are owned by pointers to the targets (RFC 1035 4.1.4), which move about with their
 * records, so these pointers are written anew into each reply.
 */
#ifndef DNS_DNS_PREPARED_H
#define DNS_DNS_PREPARED_H

#include "daemon/dns/dns_query.h"
#include "daemon/dns/dns_random.h"
#include "libdiscover/core/label.h"

/* What the table can vouch for. */
enum dns_mode {
    DNS_MODE_UNSYNCED, /* only what is registered on this host is known */
    DNS_MODE_STORED,   /* beside it, what an earlier life left on disk: it may be answered, nothing may be denied */
    DNS_MODE_LIVE,
    DNS_MODE_STALE,
};

struct dns_group {
    uint32_t n;
    uint32_t weight; /* of all its records */
};

struct dns_record {
    uint32_t weight;
    uint16_t bytes;
    uint16_t number;   /* which instance of the service it was made of */
    uint16_t owned_at; /* where the addresses of its target begin, behind all answers ... */
    uint16_t n_owned;  /* ... and how many records they are; A comes before AAAA */
};

/* In a SRV record, behind the pointer that owns it, type, class, TTL, length, and three numbers. */
#define DNS_SRV_TARGET_AT 18
/* An A record that is owned by a pointer. */
#define DNS_OWNED_A_BYTES 16
/* A pointer reaches no further. */
#define DNS_POINTER_MAX 0x3fff

struct dns_prepared {
    /* The slot, its sequence and the table's serial that it was made from: it holds as long as these stay. */
    uint64_t seq;
    uint32_t slot, serial;
    bool from_slot;   /* else it is not kept */
    bool from_serial; /* it carries a SOA record */
    uint8_t mode;     /* enum dns_mode */

    uint8_t flags; /* DNS_FLAG_AA, DNS_FLAG_TC */
    uint8_t rcode;
    int8_t ede; /* enum dns_ede */
    uint8_t pad;
    char region[LABEL_CAP]; /* the other region that answers for the own one, for the client to know; or "" */
    bool owns;              /* some of the records have addresses */
    bool whole;             /* nothing was left out: good for any reply that it fits in */
    uint16_t limit;         /* octets of a reply it was made for */
    uint16_t answers, authorities, additionals;

    uint32_t n_groups, n_records;
    uint32_t record_bytes; /* of all answer records; the shown ones come first */
    uint32_t shown_bytes;
    uint32_t rest_bytes;                     /* of authority and additional section */
    uint32_t groups_at, records_at, body_at; /* from the start of this structure */
};

static inline struct dns_group *dns_groups(struct dns_prepared *p)
{
    return (struct dns_group *)((uint8_t *)p + p->groups_at);
}

static inline struct dns_record *dns_records(struct dns_prepared *p)
{
    return (struct dns_record *)((uint8_t *)p + p->records_at);
}

static inline uint8_t *dns_body(struct dns_prepared *p)
{
    return (uint8_t *)p + p->body_at;
}

/* What the OPT record has; region: as above. */
struct dns_extended {
    int ede;
    const char *region;
};

/* Octets of the OPT record that goes with an answer; 0 when the query had none. */
size_t dns_opt_bytes(const struct dns_query *q, struct dns_extended extended);

/* Octets of the reply to q. */
size_t dns_prepared_reply_bytes(const struct dns_prepared *p, const struct dns_query *q);

/* Draws one record of each group to its front. */
void dns_prepared_turn(struct dns_prepared *p, struct dns_random *random);

static inline size_t dns_round_up(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* Octets of a copy without gaps; a multiple of 8. */
size_t dns_prepared_copy_bytes(const struct dns_prepared *p);
void dns_prepared_copy(struct dns_prepared *p, struct dns_prepared *ret_copy);

/*
 * Writes the reply and returns its octets. reply holds dns_prepared_reply_bytes(); payload is what the OPT record
 * says we take.
 */
size_t dns_prepared_write(struct dns_prepared *p, const struct dns_query *q, uint16_t payload, uint8_t *reply);

/* A reply without any records. */
size_t dns_write_empty(const struct dns_query *q, uint16_t rcode, uint8_t flags, int ede, uint16_t payload,
                       uint8_t *reply);

#endif
