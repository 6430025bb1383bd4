/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody fills the bucket of the instances to the last byte; an operator gives it more room later. */
#include <stdio.h>
#include <string.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define AGREE_MS 60000 /* what was refused often is put again every half a minute */
#define HOLD_MS  5000  /* more than two leases of 2 s */
#define FULL_MS  10000
#define RETRY_MS 30000

static struct nats nats;
static struct observe o;

static bool put(struct kv *kv, size_t length)
{
    static const char value[4096];
    static unsigned n;
    char subject[64];
    snprintf(subject, sizeof subject, "$KV.SERVICES.fill.er.x.i%u", n++);
    return js_Publish(NULL, kv->js, subject, value, (int)length, NULL, NULL) == NATS_OK;
}

static void fill(struct kv *kv)
{
    for (size_t length = 4096; length > 0; length /= 2)
        while (put(kv, length))
            ;
}

START_TEST(full)
{
    struct kv kv;
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){
                          .nats = nats.urls, .n_hosts = 4, .each = 5, .registry = "services_max_bytes = 65536;"});
    /* What is new meanwhile cannot be stored, and its owner says so; it is put again every half a minute. */
    o.ignored_max_ns = (FULL_MS + RETRY_MS) * NS_PER_MS;
    kv_open(&kv, nats.server[0].url);
    fill(&kv);
    observe_change(&o);
    observe_for(&o, FULL_MS);
    kv_edit_stream(&kv, "SERVICES", "{\"max_bytes\": 1000000}");
    observe_end(&o, "the bucket of the instances filled to the last byte for 10 s", AGREE_MS, HOLD_MS);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("full store", 150, {"full", full})
