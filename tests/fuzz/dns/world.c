/* SPDX-License-Identifier: Apache-2.0 */
/* A small catalog made of octets. */
#include "tests/fuzz/dns/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"

#define NOW_NS (1000 * NS_PER_S)

static struct catalog *catalog;
static struct dns_tables tables;
static struct dns_counters counters;
static struct dns_config config;
static struct dns_responder *responder;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void moved(void *arg, int fd)
{
    (void)arg;
    must(dns_tables_set(&tables, fd) == 0);
}

/* What host names resolve to, if they do: to one address of each family. */
static const char *const hostnames[] = {"db.example.com", "v4.example.com", "v6.example.com", "both.example.com"};

static void resolve_hostnames(void)
{
    for (uint8_t families = 1; families < 4; families++) {
        struct addresses a = {.families = families};
        memset(a.ipv4, families & DISCOVER_HAS_IPV4 ? 1 : 0, sizeof a.ipv4);
        memset(a.ipv6, families & DISCOVER_HAS_IPV6 ? 0x20 : 0, sizeof a.ipv6);
        must(catalog_set_address(catalog, hostnames[families], &a) == 0);
    }
}

/* Two domains with four services and three hosts, so that names meet. */
static void put(const uint8_t *b, unsigned number)
{
    static const char *const services[] = {"payment", "search", "addr",
                                           "a-service-with-a-name-of-just-sixty-three-octets-which-is-most-aa"};
    struct instance_key key = {.domain = "shop"};
    struct record r;
    if (b[0] & 1)
        strcpy(key.domain, "x");
    snprintf(key.service, sizeof key.service, "%s", services[b[0] >> 1 & 3]);
    snprintf(key.host, sizeof key.host, "web-%u", b[0] >> 3 & 3);
    snprintf(key.instance, sizeof key.instance, "p%u", number);
    record_init(&r);
    r.epoch = 1;
    r.counter = 1 + number;
    r.port = (uint16_t)(1 + b[1]);
    r.addresses.families = b[0] >> 5 & 3;
    memset(r.addresses.ipv4, b[2] & 15, sizeof r.addresses.ipv4);
    memset(r.addresses.ipv6, b[2] >> 4, sizeof r.addresses.ipv6);
    r.state = (uint8_t)(1 + b[3] % 5);
    r.protocol = b[0] >> 7;
    r.priority = b[3] >> 6;
    r.weight = b[3] & 8 ? 65535 : 1u + b[1];
    if (r.addresses.families == 0)
        strcpy(r.hostname, hostnames[b[1] % 4]);
    if (b[3] & 16)
        (void)record_add_tag(&r, "canary");
    if (b[3] & 32)
        (void)record_set_meta(&r, "version", "1.4");
    (void)catalog_put(catalog, &key, &r);
}

static void put_host(unsigned number)
{
    char name[8];
    struct lease l = {.epoch = 1,
                      .counter = 1,
                      .ttl_ms = 1000,
                      .addresses.families = (uint8_t)number,
                      .region = "eu",
                      .zone = "eu-1"};
    snprintf(name, sizeof name, "web-%u", number);
    must(catalog_set_host(catalog, name, &l, number != 3, NOW_NS) == 0);
}

/* Zones beside, below and across each other, forward and reverse. */
static void configure(uint8_t mode)
{
    static const char *const zones[] = {"discover.internal",       "1.in-addr.arpa",  "svc.example.com",
                                        "shop.discover.internal",  "0.2.ip6.arpa",    "eu.svc.example.com",
                                        "payment.svc.example.com", "b.1.in-addr.arpa"};
    const char *why;
    config =
        (struct dns_config){.ttl_s = mode & 64 ? 60 : 1, .udp_payload = 1232, .loopback_payload = 16384, .seed = 1};
    config.zones.n = mode & 128 ? 8 : 2;
    for (size_t i = 0; i < config.zones.n; i++)
        must(dns_zone_parse(zones[i], &config.zones.zone[i], &why) == 0);
}

struct dns_client world_begin(uint8_t mode, const uint8_t *instances, size_t n)
{
    const struct catalog_options o = {.host = "web-0",
                                      .region = "eu",
                                      .zone = "eu-1",
                                      .table_words = 8192,
                                      .hosts_max = 10,
                                      .services_max = 10,
                                      .instances_per_host_max = 100};
    configure(mode);
    dns_tables_init(&tables);
    must(catalog_new(&o, moved, NULL, &catalog) == 0);
    moved(NULL, table_writer_fd(catalog_table(catalog)));
    must(dns_reverse_new(&tables, &config.reverse) == 0);
    must(dns_responder_new(&config, &tables, &counters, 1 << 20, &responder) == 0);
    for (unsigned i = 0; i < 4; i++)
        put_host(i);
    for (unsigned i = 0; i < n; i++)
        put(instances + 4 * i, i);
    if (mode & 128)
        resolve_hostnames();
    (void)catalog_flush(catalog);
    must(dns_reverse_build(config.reverse, NOW_NS) == 0);
    table_writer_alive(catalog_table(catalog), NOW_NS);
    table_writer_set_sync(catalog_table(catalog), (enum table_sync)(mode & 3), NOW_NS - NS_PER_S);
    return (struct dns_client){
        .tcp = mode & 4, .loopback = mode & 8, .denied = (mode & 48) == 48, .own_address_bytes = mode & 16 ? 16 : 4};
}

void world_end(void)
{
    dns_responder_free(responder);
    dns_reverse_free(config.reverse);
    dns_tables_fini(&tables);
    catalog_free(catalog);
}

size_t world_ask(const uint8_t *query, size_t n, const struct dns_client *as, uint8_t ret_reply[static DNS_MESSAGE_MAX])
{
    dns_responder_begin(responder, NOW_NS);
    return dns_respond(responder, query, n, as, ret_reply, DNS_MESSAGE_MAX);
}
