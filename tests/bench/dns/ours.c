/* SPDX-License-Identifier: Apache-2.0 */
/* Our responder over a catalog that is filled, and if wanted changed all the time, by this process's main thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/catalog/catalog.h"
#include "daemon/dns/dns.h"
#include "libdiscover/core/clock.h"
#include "tests/bench/dns/server.h"

static struct catalog *catalog;
static struct dns *dns;
static uint64_t counter;

static void check(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "bench_dns: %s: %s\n", what, strerror(-err));
    _exit(EXIT_FAILURE);
}

static void moved(void *arg, int fd)
{
    (void)arg;
    if (dns)
        check(dns_set_table(dns, fd), "table");
}

static void put(uint32_t service, uint32_t instance, uint32_t n, uint32_t weight)
{
    struct instance_key key = {"shop", "", "bench", ""};
    struct record r;
    uint32_t number = service * n + instance;
    snprintf(key.service, sizeof key.service, "s%u", service);
    snprintf(key.instance, sizeof key.instance, "i%u-%u", service, instance);
    record_init(&r);
    r.epoch = 1;
    r.counter = ++counter;
    r.port = (uint16_t)(8000 + instance);
    r.weight = weight;
    r.addresses.families = DISCOVER_HAS_IPV4;
    r.addresses.ipv4[0] = 10;
    r.addresses.ipv4[1] = (uint8_t)(number >> 16);
    r.addresses.ipv4[2] = (uint8_t)(number >> 8);
    r.addresses.ipv4[3] = (uint8_t)number;
    check(catalog_put(catalog, &key, &r), "instance");
}

static void fill(const struct server_options *o)
{
    const struct catalog_options options = {.host = "bench",
                                            .region = "eu",
                                            .zone = "",
                                            .table_words = 1 << 20,
                                            .hosts_max = 10,
                                            .services_max = o->services + 1,
                                            .instances_per_host_max = o->services * o->instances + 1};
    check(catalog_new(&options, moved, NULL, &catalog), "catalog");
    for (uint32_t s = 0; s < o->services; s++)
        for (uint32_t i = 0; i < o->instances; i++)
            put(s, i, o->instances, 1);
    (void)catalog_flush(catalog);
    table_writer_set_sync(catalog_table(catalog), TABLE_LIVE, 0);
    table_writer_alive(catalog_table(catalog), clock_now_ns());
}

static int start(const struct server_options *o)
{
    const struct string_list zones = {(char *[]){(char *)"discover.internal"}, 1}, nobody = {0};
    char address[32];
    const struct string_list listen = {(char *[]){address}, 1};
    int port = free_port();
    const struct dns_options options = {.listen = &listen,
                                        .zones = &zones,
                                        .allow = &nobody,
                                        .ttl_s = 1,
                                        .workers = o->workers ? o->workers : 1,
                                        .udp_payload = 1232,
                                        .loopback_payload = 16384,
                                        .cache_bytes = 32 << 20,
                                        .tcp_connections = 512,
                                        .tcp_per_client = 256,
                                        .tcp_idle_ms = 10000,
                                        .tcp_message_ms = 5000};
    char reason[DNS_REASON_CAP];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    check(dns_new(&options, NULL, &dns, reason), "responder");
    check(dns_set_table(dns, table_writer_fd(catalog_table(catalog))), "table");
    check(dns_start(dns), "threads");
    return port;
}

/* One service in turn, a thousand a second in ten steps of ten milliseconds each. */
static void change_some(const struct server_options *o, uint32_t step)
{
    for (uint32_t i = 0; i < o->changes / 100; i++) {
        uint32_t service = (step * (o->changes / 100) + i) % o->services;
        put(service, 0, o->instances, 1 + step % 200);
    }
    (void)catalog_flush(catalog);
}

void serve_ours(const struct server_options *o, int ready_fd)
{
    const struct timespec pause = {.tv_nsec = o->changes ? 10 * NS_PER_MS : 500 * NS_PER_MS};
    fill(o);
    int port = start(o);
    if (write(ready_fd, &port, sizeof port) != sizeof port)
        return;
    for (uint32_t step = 0;; step++) {
        table_writer_alive(catalog_table(catalog), clock_now_ns());
        if (o->changes)
            change_some(o, step);
        nanosleep(&pause, NULL);
    }
}
