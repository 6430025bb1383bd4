/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalog with instances, a responder over its table, and a reader of replies that shares no code with the
 * responder. One at a time; everything fails the running test by itself.
 */
#ifndef UNIT_DNS_FIXTURE_H
#define UNIT_DNS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/catalog/catalog.h"
#include "daemon/dns/dns_respond.h"

enum { A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, TXT = 16, AAAA = 28, SRV = 33, OPT = 41, ANY = 255 };
enum { NOERROR = 0, FORMERR = 1, SERVFAIL = 2, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5, BADVERS = 16 };

#define ZONE        "discover.internal"
#define RECORDS_MAX 5000

/* What an instance has beside its key and port; 0 and NULL: nothing special. */
struct extra {
    const char *ipv4, *ipv6, *hostname; /* none of the three: 10.0.0.<port % 256> */
    const char *tag, *meta_key, *meta_value;
    uint32_t weight;
    uint16_t priority;
    enum discover_state state;
    enum discover_protocol protocol;
};

struct record_seen {
    uint8_t section;                /* 0 answer, 1 authority, 2 additional */
    char owner[1024], target[1024]; /* text, octets that are not printable as \ddd; target of SRV, PTR, NS */
    uint16_t type, class;
    uint32_t ttl;
    uint16_t priority, weight, port; /* SRV */
    uint32_t serial, minimum;        /* SOA */
    const uint8_t *data;
    size_t data_bytes;
    char address[64]; /* of A and AAAA, as text */
};

struct reply {
    uint8_t bytes[65535];
    size_t n;                  /* 0: no reply */
    uint16_t id, flags, rcode; /* rcode with the extended octet of OPT */
    bool aa, tc, rd;
    uint16_t questions, counts[3]; /* as in the header */
    char question[1024];
    size_t question_at_end; /* where the question ends */
    bool opt;
    uint16_t payload;
    bool dnssec_ok;
    int ede; /* -1: none */
    char ede_text[128];
    size_t opt_options;
    size_t n_records; /* without OPT */
    struct record_seen records[RECORDS_MAX];
};

extern struct catalog *catalog;
extern struct dns_responder *responder;
extern struct dns_counters counters;
extern struct dns_config config;
extern struct dns_client client; /* as which ask() asks: UDP from loopback */
extern int64_t now_ns;

/* Zone discover.internal, synchronised, empty. */
void setup(void);
void teardown(void);

struct dns_tables *fixture_tables(void);

/* "shop.payment.web-1.p1" */
void put(const char *key, uint16_t port, const struct extra *extra);
void drop(const char *key);
void put_many(const char *service, unsigned n); /* "shop.payment": on hosts of their own, ports from 1000 on */
void put_host(const char *host, const char *ipv4, const char *ipv6, const char *zone, const char *region);
void flush(void);
void set_sync(enum table_sync sync);

/* Asks over UDP without EDNS; with EDNS; over TCP. */
const struct reply *ask(const char *name, uint16_t type);
const struct reply *ask_edns(const char *name, uint16_t type, uint16_t payload);
const struct reply *ask_tcp(const char *name, uint16_t type);

/* Sends octets as they are. The result is read if it can be, else the test fails; n = 0: no reply. */
const struct reply *ask_raw(const void *bytes, size_t n);

/* A query in octets: id 0x1234, RD set. Returns its length. */
size_t build(const char *name, uint16_t type, uint8_t *ret_query);

/* Reads a reply; false when it is not well-formed to the last octet. */
bool read_reply(const uint8_t *bytes, size_t n, struct reply *ret_reply);

/* Records of a section (0, 1, 2) and type; 0: any type. */
size_t count(const struct reply *r, int section, uint16_t type);
const struct record_seen *first(const struct reply *r, int section, uint16_t type); /* fails without one */

/* NXDOMAIN, or NODATA for NOERROR: authoritative, empty, and the zone's SOA record. */
void check_negative(const struct reply *r, uint16_t rcode);

#endif
