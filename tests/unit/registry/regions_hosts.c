/* SPDX-License-Identifier: Apache-2.0 */
/* The streams of simulated regions, and the hosts that write them. */
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/digest.h"
#include "libdiscover/core/record.h"
#include "tests/unit/registry/regions_world_impl.h"

/* ---- streams ---- */

struct value *world_value(int region, enum bus_bucket bucket, int key)
{
    struct value *v = &world.regions[region].streams[bucket].key[key];
    if (v->seq && bucket == BUS_HOSTS && v->time_ns + 3 * TTL <= world.now_ns)
        v->seq = 0;
    return v;
}

void world_store(int region, enum bus_bucket bucket, int key, const uint8_t *bytes, size_t n)
{
    struct stream *s = &world.regions[region].streams[bucket];
    must(n <= VALUE, "a value of %zu bytes", n);
    struct value *v = &s->key[key];
    if (!s->created)
        s->created = world.now_ns;
    *v = (struct value){.seq = ++s->last_seq, .time_ns = world.now_ns, .deleted = n == 0, .n = n};
    memcpy(v->bytes, bytes, n);
    world_republish(region, bucket, key);
    world_mirror(region);
}

/* ---- hosts ---- */

static void put_record(int region, int h, struct world_host *host)
{
    uint8_t bytes[RECORD_WIRE_MAX] = {0};
    size_t n = 0;
    char address[32];
    struct record r;
    if (host->wanted) {
        record_init(&r);
        r.epoch = host->epoch;
        r.counter = host->record_counter = ++host->counter;
        r.port = (uint16_t)(100 + h);
        snprintf(address, sizeof address, "10.%d.0.%d", region, h + 1);
        must(record_add_address(&r, address) == 0 && record_encode(&r, bytes, &n) == 0, "no record");
    }
    world_store(region, BUS_SERVICES, h, bytes, n);
    if (!host->reported)
        host->changed_ns = world.now_ns;
    host->reported = true;
}

static void put_lease(int region, int h, struct world_host *host)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    struct instance_key key = {.domain = "shop", .service = "all", .instance = "i"};
    struct lease l = {.epoch = host->epoch,
                      .counter = ++host->counter,
                      .min_epoch = host->epoch,
                      .node = (uint64_t)(region * 100 + h + 1),
                      .life = host->epoch,
                      .ttl_ms = TTL / NS_PER_MS};
    snprintf(key.host, sizeof key.host, "h%d", h);
    snprintf(l.region, sizeof l.region, "%s", world_region_name(region));
    l.records = host->wanted && host->reported;
    l.digest = l.records ? record_digest(&key, host->epoch, host->record_counter) : 0;
    must(lease_encode(&l, bytes, &n) == 0, "no lease");
    world_store(region, BUS_HOSTS, h, bytes, n);
}

static void beat_at(int region, int host, int64_t at_ns)
{
    unsigned life = ++world.regions[region].hosts[host].life;
    world_push(&(struct event){.at_ns = at_ns, .kind = EVENT_BEAT, .region = region, .host = host, .life = life});
}

/* What a host finds in the bucket is what it wants there; or it puts that again. */
void world_beat(int region, int h)
{
    struct world_host *host = &world.regions[region].hosts[h];
    if (!host->alive)
        return;
    beat_at(region, h, world.now_ns + BEAT - world_random_ns(BEAT / 10));
    if (!world.regions[region].up)
        return;
    const struct value *v = world_value(region, BUS_SERVICES, h);
    if (!host->reported || host->wanted != (v->seq && !v->deleted))
        put_record(region, h, host);
    put_lease(region, h, host);
}

void world_kill(int region, int h)
{
    world.regions[region].hosts[h].alive = false;
    world.regions[region].hosts[h].changed_ns = world.now_ns;
}

void world_start(int region, int h)
{
    struct world_host *host = &world.regions[region].hosts[h];
    host->alive = true;
    host->reported = false;
    host->epoch++;
    host->changed_ns = world.now_ns;
    beat_at(region, h, world.now_ns + world_random_ns(NS_PER_S));
}

void world_want(int region, int h, bool wanted)
{
    struct world_host *host = &world.regions[region].hosts[h];
    host->wanted = wanted;
    host->reported = false;
    host->changed_ns = world.now_ns;
    if (host->alive)
        beat_at(region, h, world.now_ns + NS_PER_MS);
}

void world_hosts_connect(int region)
{
    for (int h = 0; h < HOSTS; h++)
        if (world.regions[region].hosts[h].alive)
            beat_at(region, h, world.now_ns + world_random_ns(2 * NS_PER_S));
}

void world_recreate(int region, enum bus_bucket bucket)
{
    world.regions[region].streams[bucket] = (struct stream){.created = world.now_ns + 1};
}
