/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that nobody has asked before, about one service of 20,000 instances that changes between any two of them:
 * conditions that no instance meets, a type that none has, and one instance. Beside what copying the service takes, which
 * each of them would if there were no other way. Values are medians of the time that a worker is busy with the question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "daemon/dns/dns_respond.h"
#include "libdiscover/core/clock.h"

enum { INSTANCES = 20000, QUESTIONS = 2000, TARGET_US = 50 };

#define SERVICE "shop/pay"
#define ZONE    "pay.shop.discover.internal"

static struct catalog *catalog;
static struct dns_tables tables;
static uint64_t counter;

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

static void put(int i)
{
    struct instance_key key = {.domain = "shop", .service = "pay"};
    struct record r;
    char text[32];
    snprintf(key.host, sizeof key.host, "web-%d", i / 10);
    snprintf(key.instance, sizeof key.instance, "pay-%d", i);
    record_init(&r);
    r.epoch = 1;
    r.counter = ++counter;
    r.port = (uint16_t)counter;
    snprintf(text, sizeof text, "10.0.%d.%d", i >> 8, i & 255);
    must(record_add_address(&r, text) == 0 && record_add_tag(&r, "canary") == 0 && record_add_tag(&r, "blue") == 0 &&
         record_set_meta(&r, "version", "1.4.2") == 0 && record_set_meta(&r, "commit", "5af37fc1") == 0);
    must(catalog_put(catalog, &key, &r) == 0);
}

static void fill(void)
{
    const struct catalog_options o = {.host = "web-0",
                                      .region = "eu",
                                      .zone = "eu-1",
                                      .table_words = 1 << 23,
                                      .hosts_max = INSTANCES,
                                      .services_max = 10,
                                      .instances_per_host_max = 100};
    const struct lease lease = {.epoch = 1, .ttl_ms = 10000, .region = "eu", .zone = "eu-1"};
    char host[LABEL_CAP];
    must(catalog_new(&o, moved, NULL, &catalog) == 0);
    for (int h = 0; h < INSTANCES / 10; h++) {
        snprintf(host, sizeof host, "web-%d", h);
        must(catalog_set_host(catalog, host, &lease, true, 1) == 0);
    }
    for (int i = 0; i < INSTANCES; i++)
        put(i);
    (void)catalog_flush(catalog);
    table_writer_set_sync(catalog_table(catalog), TABLE_LIVE, 0);
    table_writer_alive(catalog_table(catalog), clock_now_ns());
    moved(NULL, table_writer_fd(catalog_table(catalog)));
}

static size_t make_query(const char *name, uint16_t type, uint8_t *packet)
{
    static const uint8_t header[12] = {0, 1, 0, 0, 0, 1};
    uint8_t *at = packet + sizeof header;
    memcpy(packet, header, sizeof header);
    for (size_t n; *name; name += n + (name[n] == '.')) {
        n = strcspn(name, ".");
        *at++ = (uint8_t)n;
        memcpy(at, name, n);
        at += n;
    }
    *at++ = 0;
    const uint8_t end[4] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 1};
    memcpy(at, end, sizeof end);
    return (size_t)(at + sizeof end - packet);
}

/* # in the name becomes a number that is another one each time, $ a tenth of it. */
static const struct kind {
    const char *what, *name;
    uint16_t type; /* 0: another one each time */
    int rcode;
    bool tcp;
} kinds[] = {
    {"unknown tag", "t#.tag." ZONE, DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"unknown tag, A", "t#.tag." ZONE, DNS_TYPE_A, DNS_NXDOMAIN, false},
    {"unknown tag, AAAA", "t#.tag." ZONE, DNS_TYPE_AAAA, DNS_NXDOMAIN, false},
    {"unknown tag, TXT", "t#.tag." ZONE, DNS_TYPE_TXT, DNS_NXDOMAIN, false},
    {"unknown tag, ANY", "t#.tag." ZONE, DNS_TYPE_ANY, DNS_NXDOMAIN, false},
    {"unknown tag, mixed case", "T#.TaG.Pay.SHOP.discover.internal", DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"unknown tag, TCP", "t#.tag." ZONE, DNS_TYPE_SRV, DNS_NXDOMAIN, true},
    {"unknown tag, TCP, TXT", "t#.tag." ZONE, DNS_TYPE_TXT, DNS_NXDOMAIN, true},
    {"unknown place", "p#.at." ZONE, DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"unknown place, TCP, A", "p#.at." ZONE, DNS_TYPE_A, DNS_NXDOMAIN, true},
    {"unknown host", "h#.id." ZONE, DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"unknown instance", "i#.web-1.id." ZONE, DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"unknown browsed instance", "i#@web-1._pay._tcp.shop.discover.internal", DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"label of no instance", "i #._pay._tcp.shop.discover.internal", DNS_TYPE_SRV, DNS_NXDOMAIN, false},
    {"other protocol", "_pay._udp.shop.discover.internal", DNS_TYPE_SRV, DNS_NOERROR, false},
    {"other family", ZONE, DNS_TYPE_AAAA, DNS_NOERROR, false},
    {"other family, TCP", ZONE, DNS_TYPE_AAAA, DNS_NOERROR, true},
    {"other family of a tag", "canary.tag." ZONE, DNS_TYPE_AAAA, DNS_NOERROR, false},
    {"no list", "canary.tag." ZONE, DNS_TYPE_PTR, DNS_NOERROR, true},
    {"host", "web-#.id." ZONE, DNS_TYPE_SRV, DNS_NOERROR, true},
    {"unknown type", ZONE, 0, DNS_NOERROR, false},
    {"unknown type of a tag", "canary.tag." ZONE, 0, DNS_NOERROR, false},
    {"node below", "tag." ZONE, DNS_TYPE_A, DNS_NOERROR, false},
    {"one instance", "pay-#.web-$.id." ZONE, DNS_TYPE_SRV, DNS_NOERROR, false},
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *times, size_t n, int64_t *ret_p99)
{
    qsort(times, n, sizeof *times, by_value);
    *ret_p99 = times[n * 99 / 100];
    return times[n / 2];
}

static void make_name(const char *pattern, int number, char ret_name[static 256])
{
    char *at = ret_name;
    for (; *pattern; pattern++) {
        if (*pattern == '#' || *pattern == '$')
            at += sprintf(at, "%d", *pattern == '#' ? number : number / 10);
        else
            *at++ = *pattern;
    }
    *at = '\0';
}

static int64_t ask(struct dns_responder *r, const struct kind *k, int i)
{
    const struct dns_client client = {.loopback = true, .own_address_bytes = 4, .tcp = k->tcp};
    static uint8_t reply[DNS_MESSAGE_MAX];
    uint8_t packet[512];
    char name[256];
    make_name(k->name, i, name);
    size_t n = make_query(name, k->type ? k->type : (uint16_t)(1000 + i), packet);
    put(i * 31 % INSTANCES);
    (void)catalog_flush(catalog);
    int64_t start_ns = clock_now_ns();
    dns_responder_begin(r, start_ns);
    n = dns_respond(r, packet, n, &client, reply, sizeof reply);
    int64_t time_ns = clock_now_ns() - start_ns;
    must(n > 12 && (reply[3] & 15) == k->rcode);
    return time_ns;
}

static int64_t copy_service(int64_t *ret_p99)
{
    static int64_t times[QUESTIONS / 10];
    struct table_view v;
    table_view_init(&v);
    for (int i = 0; i < QUESTIONS / 10; i++) {
        put(i);
        (void)catalog_flush(catalog);
        int64_t start_ns = clock_now_ns();
        must(table_view_find(table_writer_table(catalog_table(catalog)), SERVICE, strlen(SERVICE), &v) == 0);
        times[i] = clock_now_ns() - start_ns;
    }
    table_view_fini(&v);
    return median(times, QUESTIONS / 10, ret_p99);
}

int main(void)
{
    static int64_t times[QUESTIONS];
    static struct dns_counters counters;
    struct dns_config config = {.ttl_s = 1, .udp_payload = 1232, .loopback_payload = 16384, .zones.n = 1, .seed = 1};
    struct dns_responder *r;
    const char *why;
    int64_t p99;
    must(dns_zone_parse("discover.internal", &config.zones.zone[0], &why) == 0);
    dns_tables_init(&tables);
    fill();
    must(dns_responder_new(&config, &tables, &counters, 1 << 24, &r) == 0);
    double floor_us = (double)copy_service(&p99) / 1000;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int i = 0; i < QUESTIONS; i++)
            times[i] = ask(r, &kinds[k], i);
        double us = (double)median(times, QUESTIONS, &p99) / 1000;
        printf("{\"name\":\"dns large, %s\",\"value\":%.2f,\"unit\":\"us\",\"p99\":%.2f,\"floor\":%.1f,\"ratio\":%.3f,"
               "\"target\":%d,\"ok\":%s}\n",
               kinds[k].what, us, (double)p99 / 1000, floor_us, us / floor_us, TARGET_US,
               us <= TARGET_US ? "true" : "false");
    }
    dns_responder_free(r);
    dns_tables_fini(&tables);
    catalog_free(catalog);
    return 0;
}
