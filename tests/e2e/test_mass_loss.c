/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that fall silent together are kept for a while, and everybody is told so; a lone one is only on
 * request. */
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define OTHERS   3
#define LEASE_MS 2000
#define KEPT_MS  6000

static struct nats nats;
static struct host viewer, others[OTHERS];

static void start(const char *guard, int n_others)
{
    static const char *const names[OTHERS] = {"b", "c", "d"};
    static const char *const services[OTHERS] = {"{ name = \"shop/fixed\"; port = 1; }",
                                                 "{ name = \"shop/fixed\"; port = 2; }",
                                                 "{ name = \"shop/fixed\"; port = 3; }"};

    nats_start(&nats, 1);
    host_start(&viewer, &(struct host_options){.nats = nats.urls, .lease_ttl = "2s", .registry = guard});
    for (int i = 0; i < n_others; i++)
        host_start(&others[i], &(struct host_options){
                                   .name = names[i], .nats = nats.urls, .lease_ttl = "2s", .services = services[i]});
    (void)wait_until(3000, seen_by_all(&viewer, "shop/fixed", n_others), viewer.seen);
    for (int i = 0; i < n_others; i++)
        host_kill(&others[i]);
}

static bool status_says(const char *text)
{
    static struct output o;

    int code = ctl(&viewer, &o, "status", NULL);
    snprintf(viewer.seen, sizeof viewer.seen, "exit %d: %.900s", code, o.out);
    return code == 0 && strstr(o.out, text);
}

START_TEST(all_others_at_once)
{
    struct output o;

    start("guard_duration = \"6s\";", OTHERS);
    (void)wait_until(LEASE_MS + 1500, status_says("kept           3 hosts"), viewer.seen);
    ck_assert_msg(seen_by_all(&viewer, "shop/fixed", OTHERS), "%s", viewer.seen);
    ck_assert_int_eq(ctl(&viewer, &o, "resolve", "shop/fixed", NULL), 0);
    ck_assert_msg(strstr(o.err, "degraded"), "%s", o.err);
    ck_assert_int_eq(ctl(&viewer, &o, "--json", "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "\"reason\": \"more hosts fell silent") ||
                      strstr(o.out, "\"reason\":\"more hosts fell silent"),
                  "%s", o.out);
    /* One is back: it is not kept any more, it lives. The time of the others ends. */
    host_launch(&others[0]);
    (void)wait_until(3000, status_says("kept           2 hosts"), viewer.seen);
    (void)wait_until(KEPT_MS + 1000, seen_by_all(&viewer, "shop/fixed", 1), viewer.seen);
    ck_assert_msg(!status_says("kept "), "%s", viewer.seen);
    ck_assert_int_eq(proc_stop(&others[0].proc, 5000), 0);
}
END_TEST

START_TEST(the_only_other_one)
{
    start("", 1);
    (void)wait_until(LEASE_MS + 1500, seen_by_all(&viewer, "shop/fixed", 0), viewer.seen);
}
END_TEST

START_TEST(the_only_other_one_if_so_configured)
{
    start("guard_min = 1; guard_duration = \"6s\";", 1);
    (void)wait_until(LEASE_MS + 1500, status_says("kept           1 host "), viewer.seen);
    ck_assert_msg(seen_by_all(&viewer, "shop/fixed", 1), "%s", viewer.seen);
    (void)wait_until(KEPT_MS + 1000, seen_by_all(&viewer, "shop/fixed", 0), viewer.seen);
}
END_TEST

/* Without NATS nobody is gone, and the status says why. */
START_TEST(no_nats)
{
    start("", 0);
    nats_server_kill(&nats, 0);
    (void)wait_until(3000, status_says("not trusted    not connected to NATS"), viewer.seen);
}
END_TEST

E2E_TESTS("mass loss", 60, {"all_others_at_once", all_others_at_once}, {"the_only_other_one", the_only_other_one},
          {"the_only_other_one_if_so_configured", the_only_other_one_if_so_configured}, {"no_nats", no_nats})
