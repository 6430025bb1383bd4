/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture of the DNS tests. */
#include "tests/unit/dns/fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/unit/dns/reply.h"

struct catalog *catalog;
struct dns_responder *responder;
struct dns_counters counters;
struct dns_config config;
struct dns_client client;
int64_t now_ns = 1000 * NS_PER_S;

static struct dns_tables tables;
static uint64_t counter;

static void moved(void *arg, int fd)
{
    (void)arg;
    ck_assert_int_eq(dns_tables_set(&tables, fd), 0);
}

void setup(void)
{
    const struct catalog_options o = {.host = "web-1",
                                      .region = "eu",
                                      .zone = "eu-1",
                                      .table_words = 1 << 14,
                                      .hosts_max = 6000,
                                      .services_max = 6000,
                                      .instances_per_host_max = 6000};
    const char *why;
    memset(&counters, 0, sizeof counters);
    config = (struct dns_config){.ttl_s = 1, .udp_payload = 1232, .loopback_payload = 16384, .zones.n = 1, .seed = 1};
    ck_assert_int_eq(dns_zone_parse(ZONE, &config.zones.zone[0], &why), 0);
    client = (struct dns_client){.loopback = true, .own_address_bytes = 4, .own_address = {127, 0, 0, 1}};
    dns_tables_init(&tables);
    ck_assert_int_eq(catalog_new(&o, moved, NULL, &catalog), 0);
    moved(NULL, table_writer_fd(catalog_table(catalog)));
    ck_assert_int_eq(dns_responder_new(&config, &tables, &counters, 1 << 20, &responder), 0);
    set_sync(TABLE_LIVE);
    table_writer_bump_serial(catalog_table(catalog));
}

void teardown(void)
{
    dns_responder_free(responder);
    dns_tables_fini(&tables);
    catalog_free(catalog);
}

struct dns_tables *fixture_tables(void)
{
    return &tables;
}

static struct instance_key key_of(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    return key;
}

static void fill(struct record *r, uint16_t port, const struct extra *x)
{
    char address[32];
    snprintf(address, sizeof address, "10.0.%u.%u", port >> 8, port & 255);
    record_init(r);
    r->epoch = 1;
    r->counter = ++counter;
    r->port = port;
    r->priority = x->priority;
    r->weight = x->weight ? x->weight : 1;
    r->state = (uint8_t)(x->state ? x->state : DISCOVER_PASSING);
    r->protocol = (uint8_t)x->protocol;
    if (!x->ipv4 && !x->ipv6 && !x->hostname)
        ck_assert_int_eq(record_add_address(r, address), 0);
    if (x->ipv4)
        ck_assert_int_eq(record_add_address(r, x->ipv4), 0);
    if (x->ipv6)
        ck_assert_int_eq(record_add_address(r, x->ipv6), 0);
    if (x->hostname)
        snprintf(r->hostname, sizeof r->hostname, "%s", x->hostname);
    if (x->tag)
        ck_assert_int_eq(record_add_tag(r, x->tag), 0);
    if (x->meta_key)
        ck_assert_int_eq(record_set_meta(r, x->meta_key, x->meta_value), 0);
}

void put(const char *text, uint16_t port, const struct extra *extra)
{
    static const struct extra nothing;
    struct instance_key key = key_of(text);
    struct record r;
    if (!catalog_knows_host(catalog, key.host))
        put_host(key.host, "192.0.2.1", NULL, "eu-1", "eu");
    fill(&r, port, extra ? extra : &nothing);
    ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
}

void drop(const char *text)
{
    struct instance_key key = key_of(text);
    catalog_remove(catalog, &key);
}

void put_many(const char *service, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s.web-1.p%u", service, i);
        put(key, (uint16_t)(1000 + i), NULL);
    }
    flush();
}

void put_host(const char *host, const char *ipv4, const char *ipv6, const char *zone, const char *region)
{
    struct lease l = {.epoch = 1, .counter = ++counter, .ttl_ms = 1000};
    snprintf(l.zone, sizeof l.zone, "%s", zone);
    snprintf(l.region, sizeof l.region, "%s", region);
    if (ipv4 && inet_pton(AF_INET, ipv4, l.addresses.ipv4) == 1)
        l.addresses.families |= DISCOVER_HAS_IPV4;
    if (ipv6 && inet_pton(AF_INET6, ipv6, l.addresses.ipv6) == 1)
        l.addresses.families |= DISCOVER_HAS_IPV6;
    ck_assert_int_eq(catalog_set_host(catalog, host, &l, true, now_ns), 0);
}

void flush(void)
{
    (void)catalog_flush(catalog);
}

void set_sync(enum table_sync sync)
{
    table_writer_alive(catalog_table(catalog), now_ns);
    table_writer_set_sync(catalog_table(catalog), sync, sync == TABLE_STALE ? now_ns - NS_PER_S : 0);
}

const struct reply *ask_raw(const void *bytes, size_t n)
{
    static struct reply r;
    uint8_t *packet = malloc(n ? n : 1); /* of its own, so that reading behind it is seen */
    memcpy(packet, bytes, n);
    dns_responder_begin(responder, now_ns);
    size_t got = dns_respond(responder, packet, n, &client, r.bytes, sizeof r.bytes);
    free(packet);
    ck_assert(got == 0 || read_reply(r.bytes, got, &r));
    r.n = got;
    return &r;
}

size_t build(const char *name, uint16_t type, uint8_t *query)
{
    static const uint8_t header[12] = {0x12, 0x34, 0x01, 0, 0, 1};
    memcpy(query, header, sizeof header);
    uint8_t *at = query + sizeof header;
    while (*name) {
        size_t n = strcspn(name, ".");
        *at++ = (uint8_t)n;
        memcpy(at, name, n);
        at += n;
        name += n + (name[n] == '.');
    }
    const uint8_t end[] = {0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1};
    memcpy(at, end, sizeof end);
    return (size_t)(at - query) + sizeof end;
}

const struct reply *ask(const char *name, uint16_t type)
{
    uint8_t query[512];
    return ask_raw(query, build(name, type, query));
}

const struct reply *ask_edns(const char *name, uint16_t type, uint16_t payload)
{
    uint8_t query[512];
    size_t n = build(name, type, query);
    const uint8_t opt[] = {0, 0, 41, (uint8_t)(payload >> 8), (uint8_t)payload, 0, 0, 0, 0, 0, 0};
    query[11] = 1;
    memcpy(query + n, opt, sizeof opt);
    return ask_raw(query, n + sizeof opt);
}

const struct reply *ask_tcp(const char *name, uint16_t type)
{
    client.tcp = true;
    const struct reply *r = ask(name, type);
    client.tcp = false;
    return r;
}

const struct record_seen *first(const struct reply *r, int section, uint16_t type)
{
    for (size_t i = 0; i < r->n_records; i++)
        if (r->records[i].section == section && r->records[i].type == type)
            return &r->records[i];
    ck_abort_msg("no record of type %u in section %d", type, section);
    return NULL;
}

void check_negative(const struct reply *r, uint16_t rcode)
{
    ck_assert_uint_eq(r->rcode, rcode);
    ck_assert(r->aa && !r->tc);
    ck_assert_uint_eq(r->counts[0], 0);
    ck_assert_uint_eq(r->counts[1], 1);
    ck_assert_uint_eq(r->n_records, 1);
    const struct record_seen *soa = first(r, 1, SOA);
    ck_assert_str_eq(soa->owner, ZONE);
    ck_assert_uint_eq(soa->ttl, soa->minimum);
}
