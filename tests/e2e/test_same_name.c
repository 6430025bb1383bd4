/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two live hosts of one name, which may be a machine and a copy of it with its disk: the one that is there stays, and
 * nobody notices anything; the newcomer publishes nothing until the first is gone, and says so everywhere.
 */
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE_MS 2000

static struct nats nats;
static struct host first, second, viewer;
static struct kv kv;

static bool log_says(const char *name, const char *text)
{
    struct output o;

    return shell(&o, "grep -q '%s' %s/discoverd-%s.log", text, e2e_folder(), name) == 0;
}

static bool bucket_has(const char *key)
{
    char bytes[2048];

    return kv_get(&kv, "SERVICES", key, bytes, sizeof bytes) > 0;
}

static void start(void)
{
    nats_start(&nats, 1);
    host_start(&first, &(struct host_options){.name = "web",
                                              .nats = nats.urls,
                                              .lease_ttl = "2s",
                                              .services = "{ name = \"shop/one\"; instance = \"i\"; port = 1; }",
                                              .extra = "address = [\"10.1.0.1\"];"});
    host_start(&viewer, &(struct host_options){.name = "viewer", .nats = nats.urls, .lease_ttl = "2s"});
    kv_open(&kv, nats.server[0].url);
    host_init(&second, &(struct host_options){.name = "second",
                                              .host = "web",
                                              .nats = nats.urls,
                                              .lease_ttl = "2s",
                                              .services = "{ name = \"shop/two\"; instance = \"i\"; port = 1; }",
                                              .extra = "address = [\"10.1.0.2\"];"});
    (void)wait_until(LEASE_MS, seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
}

static void copy_the_state(void)
{
    struct output o;

    ck_assert_int_eq(shell(&o, "cp -a %s/. %s/", first.state_dir, second.state_dir), 0);
}

static bool is_ready(const struct host *h)
{
    char body[512];

    return http_get(h->http_port, "/readyz", body, sizeof body) == 200;
}

/* Log, status, readiness, and what a program is told that wants to register. */
static void says_so_everywhere(void)
{
    struct output o;

    (void)wait_until(2 * LEASE_MS, log_says("second", "two live hosts are called web: this one (10.1.0.2)"),
                     "nothing in the log");
    ck_assert(!is_ready(&second));
    ck_assert(is_ready(&first));
    ck_assert_int_eq(ctl(&second, &o, "status", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.out, "another live host is called web"));
    ck_assert_int_eq(ctl(&second, &o, "register", "shop/three", "--port", "3", "--ttl", "60s", NULL), 1);
    ck_assert_ptr_nonnull(strstr(o.err, "another live host is called web"));
    ck_assert_int_eq(ctl(&first, &o, "status", NULL), 0);
    ck_assert_ptr_null(strstr(o.out, "not heard"));
}

START_TEST(the_second_stands_down)
{
    start();
    host_run(&second);
    says_so_everywhere();
    (void)wait_until(5000, log_says("second", "and another (10.1.0.1, node"), "not in the log");
    holds_for(2 * LEASE_MS, !bucket_has("shop.two.web.i") && seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    ck_assert(bucket_has("shop.one.web.i"));
    /* The first one leaves: its name is free. */
    struct output o;
    ck_assert_int_eq(ctl(&first, &o, "leave", NULL), 0);
    (void)wait_until(3 * LEASE_MS, bucket_has("shop.two.web.i") && seen_by_lib(&viewer, "shop/two") == 1, viewer.seen);
    (void)wait_until(LEASE_MS, is_ready(&second), "not ready");
    kv_close(&kv);
}
END_TEST

/* A machine that was cloned, or a backup that was restored beside it: same name, same node, same epochs. */
START_TEST(a_copy_with_its_state)
{
    start();
    copy_the_state();
    host_run(&second);
    says_so_everywhere();
    (void)wait_until(5000, log_says("web", "another discoverd asks for the name web"), "not in the log");
    holds_for(2 * LEASE_MS, !bucket_has("shop.two.web.i") && seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(a_copy_that_lives_for_two_seconds)
{
    start();
    copy_the_state();
    host_launch(&second);
    holds_for(LEASE_MS, seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    host_kill(&second);
    holds_for(2 * LEASE_MS, seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    ck_assert(!bucket_has("shop.two.web.i"));
    kv_close(&kv);
}
END_TEST

/* The state directory is lost while the daemon is down: a new node, which finds the lease of the old one. */
START_TEST(state_lost)
{
    struct output o;

    start();
    host_kill(&first);
    ck_assert_int_eq(shell(&o, "rm -rf %s && mkdir -m 0700 %s", first.state_dir, first.state_dir), 0);
    host_launch(&first);
    (void)wait_until(2 * LEASE_MS, host_counter(&first, "discoverd_agent_name_is_ours") == 1, first.seen);
    (void)wait_until(LEASE_MS, seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("same name", 60, {"the_second_stands_down", the_second_stands_down},
          {"a_copy_with_its_state", a_copy_with_its_state},
          {"a_copy_that_lives_for_two_seconds", a_copy_that_lives_for_two_seconds}, {"state_lost", state_lost})
