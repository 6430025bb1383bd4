/* SPDX-License-Identifier: Apache-2.0 */
/* Puts what a fleet's daemons would put. */
#include "tests/bench/fleet/simulated.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/digest.h"
#include "libdiscover/core/record.h"

enum { EPOCH = 1700000000, LEASE_TTL_MS = 30000, PENDING_MAX = 4096, STALL_MS = 10000 };

#define REMOVED (UINT64_C(1) << 63) /* in a counter */

static size_t service_of(const struct fleet *f, size_t host, size_t i)
{
    size_t n = host * f->per_host + i;
    switch (f->shape) {
    case FLEET_ONE_SERVICE:
        return 0;
    case FLEET_ONE_DOMAIN:
        return n;
    default:
        return n % (f->hosts * f->per_host / 20); /* 20 instances each */
    }
}

static void key_of(const struct fleet *f, size_t host, size_t i, struct instance_key *ret_key)
{
    size_t service = service_of(f, host, i);
    snprintf(ret_key->domain, sizeof ret_key->domain, "area-%zu", f->shape == FLEET_ONE_DOMAIN ? 0 : service % 50);
    snprintf(ret_key->service, sizeof ret_key->service, "service-%zu", service);
    snprintf(ret_key->host, sizeof ret_key->host, "sim-%zu", host);
    snprintf(ret_key->instance, sizeof ret_key->instance, "service-%zu-%zu", service, 8000 + i);
}

void fleet_open(struct fleet *f, const char *url, size_t hosts, size_t per_host)
{
    natsOptions *options;
    jsOptions js;
    *f = (struct fleet){.hosts = hosts, .per_host = per_host};
    f->counters = calloc(hosts * per_host, sizeof *f->counters);
    f->digests = calloc(hosts, sizeof *f->digests);
    ck_assert_ptr_nonnull(f->counters);
    ck_assert_ptr_nonnull(f->digests);
    f->removed = calloc(hosts, sizeof *f->removed);
    ck_assert_ptr_nonnull(f->removed);
    jsOptions_Init(&js);
    js.PublishAsync.MaxPending = PENDING_MAX;
    js.PublishAsync.StallWait = STALL_MS;
    ck_assert_int_eq(natsOptions_Create(&options), NATS_OK);
    ck_assert_int_eq(natsOptions_SetURL(options, url), NATS_OK);
    ck_assert_int_eq(natsConnection_Connect(&f->nc, options), NATS_OK);
    ck_assert_int_eq(natsConnection_JetStream(&f->js, f->nc, &js), NATS_OK);
    natsOptions_Destroy(options);
}

void fleet_close(struct fleet *f)
{
    jsCtx_Destroy(f->js);
    natsConnection_Destroy(f->nc);
    free(f->counters);
    free(f->digests);
    free(f->removed);
}

static void publish(struct fleet *f, const char *subject, const void *bytes, size_t n)
{
    natsStatus s = js_PublishAsync(f->js, subject, bytes, (int)n, NULL);
    ck_assert_msg(s == NATS_OK, "%s: %s", subject, natsStatus_GetText(s));
}

void fleet_put_record(struct fleet *f, size_t host, size_t i)
{
    struct instance_key key;
    struct record r;
    char text[KEY_CAP], subject[KEY_CAP + 16], address[32];
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    uint64_t *counter = &f->counters[host * f->per_host + i];
    key_of(f, host, i, &key);
    f->removed[host] -= (*counter & REMOVED) != 0;
    if (*counter && !(*counter & REMOVED))
        f->digests[host] ^= record_digest(&key, EPOCH, *counter);
    *counter = (*counter & ~REMOVED) + 1;
    f->digests[host] ^= record_digest(&key, EPOCH, *counter);
    record_init(&r);
    r.epoch = EPOCH;
    r.counter = *counter;
    r.port = (uint16_t)(8000 + i);
    r.weight = 1 + (uint32_t)(*counter % 100);
    snprintf(address, sizeof address, "10.%zu.%zu.%zu", host / 65536 % 256, host / 256 % 256, host % 256);
    ck_assert_int_eq(record_add_address(&r, address), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(record_set_meta(&r, "version", "1.4.2"), 0);
    ck_assert_int_eq(record_encode(&r, bytes, &n), 0);
    instance_key_format(&key, text);
    snprintf(subject, sizeof subject, "$KV.SERVICES.%s", text);
    publish(f, subject, bytes, n);
}

void fleet_remove_record(struct fleet *f, size_t host, size_t i)
{
    struct instance_key key;
    char text[KEY_CAP], subject[KEY_CAP + 16];
    natsMsg *msg = NULL;
    key_of(f, host, i, &key);
    uint64_t *counter = &f->counters[host * f->per_host + i];
    f->digests[host] ^= record_digest(&key, EPOCH, *counter);
    *counter |= REMOVED;
    f->removed[host]++;
    instance_key_format(&key, text);
    snprintf(subject, sizeof subject, "$KV.SERVICES.%s", text);
    ck_assert_int_eq(natsMsg_Create(&msg, subject, NULL, NULL, 0), NATS_OK);
    ck_assert_int_eq(natsMsgHeader_Set(msg, "KV-Operation", "DEL"), NATS_OK);
    ck_assert_int_eq(js_PublishMsgAsync(f->js, &msg, NULL), NATS_OK);
}

void fleet_put_lease(struct fleet *f, size_t host)
{
    struct lease l = {.epoch = EPOCH,
                      .min_epoch = EPOCH,
                      .counter = ++f->lease_counter,
                      .node = host + 1,
                      .ttl_ms = LEASE_TTL_MS,
                      .records = (uint32_t)f->per_host - f->removed[host],
                      .digest = f->digests[host],
                      .region = "local",
                      .version = "0.1.0"};
    uint8_t bytes[LEASE_WIRE_MAX];
    char subject[64];
    size_t n;
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    snprintf(subject, sizeof subject, "$KV.HOSTS.sim-%zu", host);
    publish(f, subject, bytes, n);
}

void fleet_put_all(struct fleet *f)
{
    for (size_t h = 0; h < f->hosts; h++)
        for (size_t i = 0; i < f->per_host; i++)
            fleet_put_record(f, h, i);
    for (size_t h = 0; h < f->hosts; h++)
        fleet_put_lease(f, h);
}

void fleet_settle(struct fleet *f)
{
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = 60000;
    ck_assert_int_eq(js_PublishAsyncComplete(f->js, &options), NATS_OK);
}
