/* SPDX-License-Identifier: Apache-2.0 */
/* Why is it not in the answers? Each reason that can be made here is shown, by discoverctl and by HTTP, as it is. */
#include <stdlib.h>
#include <string.h>

#include "discover/discover.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static struct kv kv;
static struct output o;
static char answer[256 * 1024];

static void two_hosts(const char *services_of_a)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .services = services_of_a});
    host_start(
        &b, &(struct host_options){.name = "b", .nats = nats.urls, .extra = "limits = { instances_per_host = 3; };"});
    kv_open(&kv, nats.server[0].url);
}

static void put(const char *key, const char *value)
{
    (void)kv_put(&kv, "SERVICES", key, value, strlen(value));
}

/* What discoverctl prints of it has a text. */
static bool says(struct host *h, const char *what, const char *instance, const char *text)
{
    int code = ctl(h, &o, "explain", what, instance, NULL);
    snprintf(h->seen, sizeof h->seen, "exit %d: %.900s", code, o.out);
    return (code == 0 || code == 3) && strstr(o.out, text);
}

START_TEST(what_clients_get)
{
    two_hosts(
        "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; tags = [\"canary\"]; }");
    (void)wait_until(3000,
                     says(&b, "shop/payment", NULL, "1 of 1 instance is served") &&
                         says(&b, "shop/payment", NULL, "A change of this host is back"),
                     b.seen);
    static const char *const texts[] = {
        "in   a/p1  10.1.2.3:8080, passing, weight 1, tags canary",
        "served: it is passing, and its host a is alive",
        "by a, change ",
        "lease    of a: alive, heard ",
        "DNS   payment.shop.discover.internal. SRV",
        "NOERROR, ",
        "1 IN SRV 0 256 8080 0a010203.addr.shop.discover.internal.",
        "payment.shop.discover.internal. 1 IN A 10.1.2.3",
        "pick  1. priority 0, in this region: 1 instance, weight 1",
        "A change of this host is back from NATS in ",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(strstr(o.out, texts[i]), "%s is not in\n%s", texts[i], o.out);
    ck_assert_int_eq(http_get(b.http_port, "/v1/explain/shop/payment/a/p1", answer, sizeof answer), 200);
    ck_assert_msg(strstr(answer, "\"rule\":\"served\""), "%s", answer);
    ck_assert_msg(says(&a, "shop/payment", "p1", "owner    the daemon's configuration"), "%s", a.seen);
    ck_assert_msg(strstr(o.out, "confirmed by NATS in "), "%s", o.out);
    kv_close(&kv);
}
END_TEST

START_TEST(a_name_that_is_not_there)
{
    two_hosts("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }");
    (void)wait_until(3000, says(&b, "shop/payment", NULL, "1 of 1"), b.seen);
    ck_assert_msg(says(&b, "shop/paymnet", NULL, "Is one of these meant? shop/payment"), "%s", b.seen);
    ck_assert_int_eq(ctl(&b, &o, "explain", "shop/paymnet", NULL), 3);
    ck_assert_int_eq(ctl(&b, &o, "explain", "Shop/X", NULL), 1);
    ck_assert_int_eq(ctl(&b, &o, "explain", "c", NULL), 3);
    ck_assert_int_eq(http_get(b.http_port, "/v1/explain/shop/paymnet", answer, sizeof answer), 404);
    ck_assert_msg(strstr(answer, "\"similar\":[\"shop/payment\"]"), "%s", answer);
    ck_assert_int_eq(http_get(b.http_port, "/v1/explain/shop/pay%2fment/a/b/c", answer, sizeof answer), 400);
    /* Refused under it, and by whom that was. */
    put("shop.paymnet.web-9.x", "{\"host\":\"10.0.0.1\",\"port\":99999}");
    (void)wait_until(3000, says(&b, "shop/paymnet", NULL, "refused value: port: must be a number 1..65535"), b.seen);
    put("services/pay/x", "{\"host\":\"10.0.0.1\",\"port\":99999}");
    (void)wait_until(3000, says(&b, "default/pay", NULL, "SERVICES services/pay/x"), b.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(out_by_state_override_and_check)
{
    char services[600];
    snprintf(services, sizeof services,
             "{ name = \"shop/one\"; instance = \"i\"; port = 1; address = [\"10.1.2.3\"]; }, "
             "{ name = \"shop/two\"; instance = \"i\"; port = 2; address = [\"10.1.2.3\"]; "
             "checks = ( { tcp = \"127.0.0.1:%d\"; interval = \"100ms\"; timeout = \"90ms\"; fall = 1; } ); }",
             port_take());
    two_hosts(services);
    ck_assert_int_eq(ctl(&a, &o, "maintenance", "on", "shop/one", NULL), 0);
    (void)wait_until(
        5000, says(&a, "shop/one", NULL, "override: an operator (user 0) has set maintenance for shop/one"), a.seen);
    ck_assert_msg(strstr(o.out, "`discoverctl maintenance off shop/one` takes it back"), "%s", o.out);
    (void)wait_until(5000, says(&a, "shop/two", NULL, "check: its checks say critical"), a.seen);
    ck_assert_msg(strstr(o.out, "check    tcp 127.0.0.1:") && strstr(o.out, ": critical for "), "%s", o.out);
    (void)wait_until(5000, says(&b, "shop/two", NULL, "state: its host a says critical"), b.seen);
    (void)wait_until(5000, says(&b, NULL, NULL, "shop/two                                 0 of 1 served"), b.seen);
    ck_assert_msg(strstr(o.out, "out      a/i by state: its host a says critical"), "%s", o.out);
    kv_close(&kv);
}
END_TEST

START_TEST(out_by_lease)
{
    two_hosts("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }");
    (void)wait_until(3000, says(&b, "shop/payment", NULL, "1 of 1"), b.seen);
    host_kill(&a);
    (void)wait_until(6000, says(&b, "shop/payment", NULL, "lease: the lease of its host a has run out: it was heard "),
                     b.seen);
    ck_assert_msg(strstr(o.out, "0 of 1 instance is served; out: a/p1 by lease"), "%s", o.out);
    ck_assert_msg(says(&b, "a", NULL, "a: 1 instance; expired"), "%s", b.seen);
    ck_assert_msg(says(&b, NULL, NULL, "Hosts that are not alive\n  a "), "%s", b.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(foreign_records_and_limits)
{
    two_hosts("");
    put("shop.legacy.web-9.l1", "{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":60}");
    (void)wait_until(3000, says(&b, "shop/legacy", NULL, "foreign ttl: its record is its own lease: it goes in "),
                     b.seen);
    ck_assert_msg(strstr(o.out, "put without a daemon"), "%s", o.out);
    for (int i = 2; i <= 4; i++) {
        char key[64];
        snprintf(key, sizeof key, "shop.more.web-9.l%d", i);
        put(key, "{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":60}");
    }
    (void)wait_until(
        3000, says(&b, "shop/more", NULL, "limit: more instances of one host than limits.instances_per_host"), b.seen);
    put("shop.named.web-9.n", "{\"host\":\"nowhere.invalid\",\"port\":80,\"ttl\":60}");
    (void)wait_until(3000, says(&a, "shop/named", NULL, "address: the address of nowhere.invalid is not known yet"),
                     a.seen);
    kv_close(&kv);
}
END_TEST

/* It is served, and calls go elsewhere as long as they can. */
START_TEST(behind_a_nearer_one)
{
    two_hosts("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }");
    ck_assert_int_eq(ctl(&b, &o, "register", "shop/payment", "--port", "81", "--instance", "p2", "--ttl", "60s", NULL),
                     0);
    (void)wait_until(3000, says(&b, "shop/payment", NULL, "2 of 2 instances are served"), b.seen);
    ck_assert_msg(strstr(o.out,
                         "place: it is passing, and its host a is alive; but it is elsewhere in this region, and "
                         "pick goes first to one on this host: calls come to it only when there is none"),
                  "%s", o.out);
    ck_assert_msg(strstr(o.out, "1. priority 0, on this host: 1 instance"), "%s", o.out);
    ck_assert_msg(says(&b, "shop/payment", "p2", "served: it is passing, and its host b is alive"), "%s", b.seen);
    ck_assert_msg(!strstr(o.out, "more; to see one"), "%s", o.out); /* the one that is asked for is there */
    ck_assert_int_eq(ctl(&b, &o, "deregister", "shop/payment", NULL), 0);
    (void)wait_until(3000, says(&b, "shop/payment", "p1", "served: "), b.seen);
    kv_close(&kv);
}
END_TEST

/* A process of this host has found that calls fail. */
START_TEST(ejected_by_pickers)
{
    struct discover_picker *p;
    struct discover_endpoint e;
    two_hosts("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }, "
              "{ name = \"shop/payment\"; instance = \"p2\"; port = 8081; address = [\"10.1.2.3\"]; }");
    struct discover *d = host_lib(&a);
    ck_assert_int_ge(discover_wait_usable(d, "shop/payment", 3000), 0);
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(discover_pick(p, &e), 0);
        discover_report(p, e.id, 1000, e.port == 8081 ? DISCOVER_UNREACHABLE : DISCOVER_OK);
        (void)!discover_dispatch(d);
    }
    (void)wait_until(3000, says(&a, "shop/payment", "p2", "ejected: it is passing, but pickers of "), a.seen);
    ck_assert_msg(strstr(o.out, "calls to it failed, a process of user "), "%s", o.out);
    discover_picker_free(p);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("explain", 60, {"what_clients_get", what_clients_get}, {"a_name_that_is_not_there", a_name_that_is_not_there},
          {"out_by_state_override_and_check", out_by_state_override_and_check}, {"out_by_lease", out_by_lease},
          {"foreign_records_and_limits", foreign_records_and_limits}, {"ejected_by_pickers", ejected_by_pickers},
          {"behind_a_nearer_one", behind_a_nearer_one})
