/* SPDX-License-Identifier: Apache-2.0 */
/* Services that take up much of a table. */
#include "tests/e2e/large_services.h"

#include <check.h>
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/record.h"

static size_t make_record(uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    struct record r;
    char name[8], value[250];
    size_t n;
    record_init(&r);
    r.epoch = r.counter = 1;
    r.port = 80;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < RECORD_META_MAX; i++) {
        snprintf(name, sizeof name, "k%d", i);
        ck_assert_int_eq(record_set_meta(&r, name, value), 0);
    }
    ck_assert_int_eq(record_encode(&r, ret_bytes, &n), 0);
    return n;
}

void large_services_put(struct kv *kv, int n)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    char subject[100];
    size_t length = make_record(bytes);
    for (int i = 0; i < n; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.shop.s%d.web-%d.i", i, i % 4);
        ck_assert_int_eq(natsConnection_Publish(kv->nc, subject, bytes, (int)length), NATS_OK);
    }
    ck_assert_int_eq(natsConnection_FlushTimeout(kv->nc, 30000), NATS_OK);
}

static int count_services(void *arg, const char *service, size_t usable, size_t total)
{
    (void)service, (void)usable, (void)total;
    ++*(int *)arg;
    return 0;
}

int services_known(struct host *h)
{
    int n = 0;
    int error = discover_each_service(host_lib(h), count_services, &n);
    snprintf(h->seen, sizeof h->seen, "%d services: %s", n, discover_strerror(error));
    return error < 0 ? -1 : n;
}
