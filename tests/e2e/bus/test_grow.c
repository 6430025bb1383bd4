/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator does to buckets that are in use: a copy on each of three servers instead of on one, and another MaxAge.
 * Daemons are not told, look-ups run all the while, and afterwards the loss of any server shows nowhere.
 */
#include <discover/discover.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a, b;
static struct kv kv;

static bool all_seen(void)
{
    return seen_by_dns(&a, SERVICE) == 1 && seen_by_dns(&b, SERVICE) == 1;
}

static const char *buckets[] = {"SERVICES", "HOSTS"};

/* nats-server 2.9 does it, and does not answer, since the stream's leader changes meanwhile. */
static void ask_for_copies(int copies)
{
    char *wanted[2], subject[64];

    for (int i = 0; i < 2; i++) {
        json_t *config = kv_api(&kv, "INFO", buckets[i], "", "config");
        ck_assert_int_eq(json_object_set_new(config, "num_replicas", json_integer(copies)), 0);
        wanted[i] = json_dumps(config, 0);
        json_decref(config);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(subject, sizeof subject, "$JS.API.STREAM.UPDATE.KV_%s", buckets[i]);
        ck_assert_int_eq(natsConnection_PublishRequestString(kv.nc, subject, "nobody", wanted[i]), NATS_OK);
        free(wanted[i]);
    }
}

/* False, too, while its leader changes and nobody answers. */
static bool has_three_copies(const char *bucket)
{
    char subject[64];
    natsMsg *msg = NULL;
    size_t i, current = 0;
    json_t *copy;

    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.KV_%s", bucket);
    if (natsConnection_RequestString(&msg, kv.nc, subject, "", 200) != NATS_OK)
        return false;
    json_t *root = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    json_array_foreach(json_object_get(json_object_get(root, "cluster"), "replicas"), i, copy) current +=
        json_is_true(json_object_get(copy, "current"));
    json_decref(root);
    natsMsg_Destroy(msg);
    return current == 2;
}

static size_t server_of(struct host *h)
{
    struct output o;
    ck_assert_int_eq(ctl(h, &o, "status", NULL), 0);
    for (size_t i = 0; i < nats.n; i++)
        if (strstr(o.out, nats.server[i].url))
            return i;
    ck_abort_msg("connected to none of ours: %s", o.out);
}

START_TEST(more_copies_and_another_age)
{
    struct discover_registration *r;

    nats_start(&nats, 3);
    host_start(&a, &(struct host_options){
                       .name = "a", .nats = nats.urls, .services = "{ name = \"shop/payment\"; port = 80; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(5000, all_seen(), b.seen);
    kv_open(&kv, nats.server[server_of(&a)].url);
    ask_for_copies(3);
    (void)wait_until(20000, all_seen() && has_three_copies("SERVICES") && has_three_copies("HOSTS"),
                     "the copies are not there");
    kv_edit_stream(&kv, "SERVICES", "{\"max_age\":7200000000000}");
    kv_edit_stream(&kv, "HOSTS", "{\"max_age\":60000000000}");
    holds_for(1000, all_seen(), b.seen);
    kv_close(&kv);
    for (size_t i = 0; i < nats.n; i++) {
        char service[64];

        nats_server_kill(&nats, i);
        snprintf(service, sizeof service, "shop/while-%zu-is-away", i);
        ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
        ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
        discover_registration_free(r);
        (void)wait_until(20000, all_seen() && seen_by_dns(&b, service) == 1, b.seen);
        nats_server_launch(&nats, i);
        nats_wait_ready(&nats);
        (void)wait_until(20000, kv_server_ready(nats.server[i].url), "the server is not back");
        kv_open(&kv, nats.server[i].url);
        (void)wait_until(30000, has_three_copies("SERVICES") && has_three_copies("HOSTS"), "it has not caught up");
        kv_close(&kv);
    }
}
END_TEST

E2E_TESTS("grow", 120, {"more_copies_and_another_age", more_copies_and_another_age})
