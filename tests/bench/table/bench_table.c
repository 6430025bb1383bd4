/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a full registry costs: 200,000 instances in 10,000 services, with tags and meta of ordinary size. Bytes in the
 * table and in the daemon for each, and the time a change takes until readers see it, beside the time of copying
 * the block that is written for it. The same for one service that has 10,000 of them.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"

enum { SERVICES = 10000, PER_SERVICE = 20, HOSTS = 10000, CHANGES = 20000, LARGE = 10000 };

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void fill(int service, int instance, uint64_t counter, struct instance_key *key, struct record *r)
{
    char text[32];
    snprintf(key->domain, sizeof key->domain, "area-%d", service % 50);
    snprintf(key->service, sizeof key->service, "service-%d", service);
    snprintf(key->host, sizeof key->host, "web-%d", (service * 7 + instance * 501) % HOSTS);
    snprintf(key->instance, sizeof key->instance, "service-%d-8080", service);
    record_init(r);
    r->epoch = 1700000000000;
    r->counter = counter;
    r->port = (uint16_t)counter;
    snprintf(text, sizeof text, "10.%d.%d.%d", service % 250, instance, service / 250);
    if (record_add_address(r, text) < 0 || record_add_tag(r, "canary") < 0 || record_add_tag(r, "blue") < 0 ||
        record_set_meta(r, "version", "1.4.2") < 0 || record_set_meta(r, "commit", "5af37fc1") < 0)
        abort();
}

static void load_hosts(struct catalog *c)
{
    struct lease lease = {.epoch = 1, .ttl_ms = 10000, .region = "eu", .zone = "eu-1"};
    char host[LABEL_CAP];
    for (int h = 0; h < HOSTS; h++) {
        snprintf(host, sizeof host, "web-%d", h);
        if (catalog_set_host(c, host, &lease, true, 1) < 0)
            abort();
    }
}

static void load(struct catalog *c)
{
    struct instance_key key;
    struct record r;
    load_hosts(c);
    for (int i = 0; i < PER_SERVICE; i++)
        for (int s = 0; s < SERVICES; s++) {
            fill(s, i, 1, &key, &r);
            if (catalog_put(c, &key, &r) < 0)
                abort();
        }
    catalog_flush(c);
}

static int64_t median_change(struct catalog *c, int64_t *ret_p99)
{
    static int64_t times[CHANGES];
    struct instance_key key;
    struct record r;
    for (int i = 0; i < CHANGES; i++) {
        fill(i * 31 % SERVICES, i % PER_SERVICE, 2 + (uint64_t)i, &key, &r);
        int64_t start_ns = clock_now_ns();
        if (catalog_put(c, &key, &r) < 0 || catalog_flush(c) == 0)
            abort();
        times[i] = clock_now_ns() - start_ns;
    }
    qsort(times, CHANGES, sizeof *times, by_value);
    *ret_p99 = times[CHANGES * 99 / 100];
    return times[CHANGES / 2];
}

static void fill_large(int instance, uint64_t counter, struct instance_key *key, struct record *r)
{
    fill(0, instance % PER_SERVICE, counter, key, r);
    snprintf(key->host, sizeof key->host, "web-%d", instance);
}

static void load_large(struct catalog *c)
{
    struct instance_key key;
    struct record r;
    load_hosts(c);
    for (int i = 0; i < LARGE; i++) {
        fill_large(i, 1, &key, &r);
        if (catalog_put(c, &key, &r) < 0)
            abort();
    }
    catalog_flush(c);
}

/* In turn: another port; out of the usable ones, and back; gone, and there again. */
static void change_large(struct catalog *c, int i, const struct instance_key *key, struct record *r)
{
    if (i % 3 == 1)
        r->state = i % 2 ? DISCOVER_CRITICAL : DISCOVER_PASSING;
    if (i % 3 == 2) {
        catalog_remove(c, key);
        if (catalog_flush(c) == 0)
            abort();
    }
    if (catalog_put(c, key, r) < 0 || catalog_flush(c) == 0)
        abort();
}

static int64_t median_change_large(struct catalog *c, int64_t *ret_p99)
{
    static int64_t times[CHANGES];
    struct instance_key key;
    struct record r;
    for (int i = 0; i < CHANGES; i++) {
        fill_large(i * 31 % LARGE, 2 + (uint64_t)i, &key, &r);
        int64_t start_ns = clock_now_ns();
        change_large(c, i, &key, &r);
        times[i] = (clock_now_ns() - start_ns) / (i % 3 == 2 ? 2 : 1);
    }
    qsort(times, CHANGES, sizeof *times, by_value);
    *ret_p99 = times[CHANGES * 99 / 100];
    return times[CHANGES / 2];
}

/* Blocks of the size of these services, copied from one cold place to another. */
static int64_t median_copy(void)
{
    enum { BLOCK = 4096, BLOCKS = 8192 };
    static int64_t times[CHANGES];
    char *from = calloc(BLOCKS, BLOCK), *to = calloc(BLOCKS, BLOCK);
    for (int i = 0; i < CHANGES; i++) {
        size_t at = (size_t)(i * 31 % BLOCKS) * BLOCK;
        int64_t start_ns = clock_now_ns();
        memcpy(to + at, from + at, BLOCK);
        times[i] = clock_now_ns() - start_ns;
    }
    qsort(times, CHANGES, sizeof *times, by_value);
    volatile char sink = to[BLOCK * 5];
    (void)sink;
    free(from);
    free(to);
    return times[CHANGES / 2];
}

static void print(const char *name, double value, const char *unit, double p99, double floor, double target)
{
    printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"p99\":", name, value, unit);
    p99 > 0 ? printf("%.2f", p99) : printf("null");
    printf(",\"floor\":");
    floor > 0 ? printf("%.2f,\"ratio\":%.2f", floor, value / floor) : printf("null,\"ratio\":null");
    printf(",\"target\":%.0f,\"ok\":%s}\n", target, value <= target ? "true" : "false");
}

static struct catalog *new_catalog(void)
{
    struct catalog *c;
    struct catalog_options o = {.host = "web-0",
                                .region = "eu",
                                .zone = "eu-1",
                                .table_words = 1 << 15,
                                .hosts_max = 2 * HOSTS,
                                .services_max = 2 * SERVICES,
                                .instances_per_host_max = 1000};
    if (catalog_new(&o, NULL, NULL, &c) < 0)
        abort();
    return c;
}

static double table_bytes(struct catalog *c)
{
    return (double)table_writer_stats(catalog_table(c)).heap_used_words * 8;
}

static void many_services(int64_t floor_ns)
{
    size_t heap_before = mallinfo2().uordblks + mallinfo2().hblkhd;
    struct catalog *c = new_catalog();
    int64_t start_ns = clock_now_ns(), p99;
    load(c);
    double load_s = (double)(clock_now_ns() - start_ns) / NS_PER_S;
    double n = (double)catalog_counts(c).instances;
    size_t heap = mallinfo2().uordblks + mallinfo2().hblkhd - heap_before;
    print("table_bytes_per_instance", table_bytes(c) / n, "B", 0, 0, 400);
    print("catalog_heap_bytes_per_instance", (double)heap / n, "B", 0, 0, 400);
    print("catalog_load_200k", load_s, "s", 0, 0, 3);
    int64_t change_ns = median_change(c, &p99);
    print("table_change", (double)change_ns / 1000, "us", (double)p99 / 1000, (double)floor_ns / 1000, 5);
    catalog_free(c);
}

static void one_service(int64_t floor_ns)
{
    struct catalog *c = new_catalog();
    load_hosts(c);
    catalog_flush(c);
    double before = table_bytes(c);
    int64_t start_ns = clock_now_ns(), p99;
    load_large(c);
    print("one_service_load_10k", (double)(clock_now_ns() - start_ns) / NS_PER_MS, "ms", 0, 0, 150);
    print("one_service_table_bytes_per_instance", (table_bytes(c) - before) / LARGE, "B", 0, 0, 400);
    int64_t change_ns = median_change_large(c, &p99);
    print("one_service_change", (double)change_ns / 1000, "us", (double)p99 / 1000, (double)floor_ns / 1000, 10);
    catalog_free(c);
}

int main(void)
{
    int64_t floor_ns = median_copy();
    many_services(floor_ns);
    one_service(floor_ns);
    return 0;
}
