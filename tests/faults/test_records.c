/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of records: keys that somebody keeps writing over, foreign ones over restarts, and what a daemon knows from
 * its file alone. */
#include <stdio.h>
#include <string.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  5000 /* more than two leases of 2 s */
#define TTL_S    6    /* of the foreign record that is kept alive */

static struct nats nats;
static struct observe o;
static struct kv kv;

static void start(const char *lease_ttl)
{
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = lease_ttl});
    kv_open(&kv, nats.server[0].url);
}

/* Nobody waits for an answer: this is as fast as it is said. */
static void write_over(const char *key, const char *value)
{
    char subject[128];

    snprintf(subject, sizeof subject, "$KV.SERVICES.%s", key);
    ck_assert_int_eq(natsConnection_PublishString(kv.nc, subject, value), NATS_OK);
}

START_TEST(own_key_overwritten)
{
    static const char *const values[] = {"garbage", "{\"host\":\"10.9.9.9\",\"port\":77,\"ttl\":60}", "{\"host\":", ""};

    start("2s");
    for (size_t i = 0; i < 1000; i++) {
        write_over("shop.s0.h0.i0", values[i % 4]);
        observe_for(&o, 10);
    }
    ck_assert_int_eq(natsConnection_Flush(kv.nc), NATS_OK);
    observe_end(&o, "a key of a host overwritten 100 times a second for 10 s", AGREE_MS, HOLD_MS);
    kv_close(&kv);
}
END_TEST

#define IN_FILE 6 /* of each host: those of its configuration, and one more */

/* The file is behind: has it what is there after the change, and no more? The numbers go up, host by host. */
static bool file_has_the_change(const struct host *h)
{
    struct output out;

    return shell(&out,
                 "for i in 21 23 25 27; do grep -aqw i$i %s/catalog.snap || exit 1; done; "
                 "for i in 20 22 24 26; do grep -aqw i$i %s/catalog.snap && exit 1; done; exit 0",
                 h->state_dir, h->state_dir) == 0;
}

/* Younger instances are not in it; the others must stay all the time. */
START_TEST(restarted_in_an_outage)
{
    struct host *h = &o.at[0].host;
    struct output out;

    start("2s");
    observe_change(&o);
    for (size_t i = 0; i < 4; i++)
        observe_acknowledged(&o, i);
    (void)wait_until(10000, observe_all_agree(&o), observe_text(&o));
    (void)wait_until(10000, file_has_the_change(h), "catalog.snap is behind");
    ck_assert_int_eq(shell(&out, "cp %s/catalog.snap %s/old", h->state_dir, h->folder), 0);
    observe_change(&o);
    for (size_t i = 0; i < 4; i++)
        observe_acknowledged(&o, i);
    kv_close(&kv);
    nats_server_kill(&nats, 0);
    observe_set_watched(&o, 0, false);
    host_kill(h);
    ck_assert_int_eq(shell(&out, "cp %s/old %s/catalog.snap", h->folder, h->state_dir), 0);
    host_launch(h);
    host_wait_up(h);
    /* What the observer had from the daemon before is not this one's. */
    (void)wait_until(10000, observe_count(&o, 0, 3) == IN_FILE, observe_text(&o));
    observe_set_watched(&o, 0, true);
    observe_for(&o, 8000); /* no lease is in its bucket any more */
    nats_server_launch(&nats, 0);
    observe_end(&o, "a daemon restarted with an old file while nats-server is down for 8 s, lease 2 s", AGREE_MS,
                HOLD_MS);
}
END_TEST

static void put_foreign(size_t instance, int ttl_s)
{
    char key[64], value[96];

    snprintf(key, sizeof key, "shop.s%zu.ext.i%zu", instance % 3, instance);
    snprintf(value, sizeof value, "{\"host\":\"10.9.9.9\",\"port\":%zu,\"ttl\":%d}", instance + 1, ttl_s);
    (void)kv_put(&kv, "SERVICES", key, value, strlen(value));
}

/* A writer that puts again each second, unless there is nobody to put it to. */
static void renew_for(size_t instance, size_t dead, int64_t time_ms)
{
    for (int64_t end_ns = clock_now_ns() + time_ms * NS_PER_MS; clock_now_ns() < end_ns;) {
        put_foreign(instance, TTL_S);
        observe_for(&o, 1000);
        ck_assert_msg(!observe_sees(&o, dead), "the dead record is served again");
    }
}

START_TEST(foreign_records)
{
    start("4s"); /* a host is restarted within its lease */
    size_t alive = observe_adopt(&o), dead = 300;
    put_foreign(dead, 1);
    renew_for(alive, dead + 1, 3000); /* meanwhile its time runs out */
    ck_assert_msg(!observe_sees(&o, dead), "it does not run out");
    kv_close(&kv);
    nats_server_kill(&nats, 0);
    observe_for(&o, 8000);
    nats_server_launch(&nats, 0);
    (void)wait_until(5000, kv_server_ready(nats.server[0].url), "no server");
    kv_open(&kv, nats.server[0].url);
    renew_for(alive, dead, 3000);
    observe_restart(&o, 1);
    for (int i = 0; i < 12; i++)
        renew_for(alive, dead, 1000);
    observe_end(&o, "foreign records: nats-server down for 8 s, then a daemon restarted; one lives, one is over",
                AGREE_MS, 0);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("faults of records", 120, {"own_key_overwritten", own_key_overwritten},
          {"restarted_in_an_outage", restarted_in_an_outage}, {"foreign_records", foreign_records})
