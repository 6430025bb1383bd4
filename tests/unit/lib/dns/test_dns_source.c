/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups without a daemon: the test plays the DNS server, and for some tests the daemon that comes later. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/context.h"
#include "libdiscover/dns/dns_lookup.h"
#include "tests/support/unit.h"
#include "tests/support/wait.h"
#include "tests/unit/lib/dns/dns_script.h"
#include "tests/unit/lib/stage.h"

#define SERVICE "shop/payment"
#define NAME    "payment.shop.discover.internal"
#define ZONE    "discover.internal"
#define TARGET  "0a000001.addr.shop.discover.internal"

static struct dns_server server;
static struct dns_script script;
static struct discover *d;

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static int ignore_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg, (void)service, (void)n_usable, (void)n_total;
    return 0;
}

static int ignore_instance(void *arg, const struct discover_instance *instance)
{
    (void)arg, (void)instance;
    return 0;
}

static void make_handle(enum discover_source source, const char *socket_path)
{
    dns_server_open(&server);
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_timeout(d, 0), 0);
    ck_assert_int_eq(discover_set_socket(d, socket_path), 0);
    ck_assert_int_eq(discover_set_dns(d, server.list, NULL), 0);
    ck_assert_int_eq(discover_set_source(d, source), 0);
    ck_assert_int_eq(discover_start(d), 0);
}

static void begin(void)
{
    make_handle(DISCOVER_SOURCE_DNS, "/nonexistent");
}

static void end(void)
{
    discover_free(d);
    dns_server_close(&server);
}

static int resolve(size_t *ret_n)
{
    struct discover_endpoint endpoints[8];
    return discover_resolve(d, SERVICE, endpoints, 8, ret_n);
}

static int result(void)
{
    size_t n;
    return resolve(&n);
}

/* Only when the descriptor says so: a caller's loop does no more. */
static void turn(void)
{
    struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
    if (poll(&fd, 1, 0) == 1)
        ck_assert_int_ge(discover_dispatch(d), 0);
}

static void expect_query(const char *name, enum dns_type type)
{
    (void)wait_until(4000, (turn(), dns_server_take(&server)), name);
    ck_assert_str_eq(server.name, name);
    ck_assert_uint_eq(server.type, type);
}

static void answer_srv(uint32_t ttl_s, size_t n, const char *target)
{
    script_begin(&script, NAME, DNS_TYPE_SRV, DNS_NOERROR);
    for (size_t i = 0; i < n; i++)
        script_srv(&script, NAME, ttl_s, 1, 256, (uint16_t)(8080 + i), target);
    dns_server_send(&server, &script);
}

static void deny(enum dns_rcode rcode, uint32_t ttl_s, const char *zone)
{
    script_begin(&script, NAME, DNS_TYPE_SRV, rcode);
    script_soa(&script, zone, ttl_s, ttl_s);
    dns_server_send(&server, &script);
}

static void wait_for(int wanted)
{
    (void)wait_until(4000, (turn(), result() == wanted), discover_strerror(result()));
}

START_TEST(the_first_look_up_asks)
{
    size_t n = 77;
    begin();
    ck_assert_int_eq(discover_age_ms(d), -1);
    ck_assert_int_eq(resolve(&n), DISCOVER_E_UNSYNCED);
    ck_assert_uint_eq(n, 77);
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    ck_assert_int_eq(resolve(&n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(discover_age_ms(d), 0);
    ck_assert(!dns_server_take(&server));
    end();
}
END_TEST

START_TEST(names_that_are_none)
{
    begin();
    ck_assert_int_eq(discover_resolve(d, "Shop/x", NULL, 0, &(size_t){0}), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_resolve(d, NULL, NULL, 0, &(size_t){0}), -EINVAL);
    ck_assert_int_eq(discover_wait(d, "x", 1000), DISCOVER_E_NAME);
    turn();
    ck_assert(!dns_server_take(&server));
    end();
}
END_TEST

START_TEST(none_and_unknown_are_told_apart)
{
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    deny(DNS_NXDOMAIN, 1, ZONE);
    wait_for(DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_each_instance(d, SERVICE, ignore_instance, NULL), DISCOVER_E_UNKNOWN);
    expect_query(NAME, DNS_TYPE_SRV);
    deny(DNS_NOERROR, 60, ZONE);
    wait_for(DISCOVER_E_NONE);
    end();
}
END_TEST

/* A resolver that does not know the zone asks the root, which denies it: nothing was said about the service. */
START_TEST(a_stranger_s_denial_is_not_believed)
{
    begin();
    (void)result();
    for (int i = 0; i < 2; i++) {
        expect_query(NAME, DNS_TYPE_SRV);
        deny(DNS_NXDOMAIN, 86400, ".");
    }
    (void)wait_until(4000, (turn(), dns_server_take(&server)), "the question once more");
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    end();
}
END_TEST

START_TEST(it_is_asked_again_when_its_ttl_has_run_out)
{
    size_t n;
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    int64_t answered_ns = clock_now_ns(); /* it is taken after this, however late that is on a busy machine */
    answer_srv(1, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    expect_query(NAME, DNS_TYPE_SRV);
    ck_assert_int_ge(clock_now_ns() - answered_ns, NS_PER_S);
    int found = resolve(&n);
    if (clock_now_ns() - answered_ns < NS_PER_S + DNS_GRACE_NS)
        ck_assert_int_eq(found, DISCOVER_FRESH);
    answer_srv(60, 1, TARGET);
    (void)wait_until(4000, (turn(), resolve(&n) == DISCOVER_FRESH && n == 1), "the new answer");
    end();
}
END_TEST

START_TEST(a_server_that_fails_makes_it_stale)
{
    size_t n;
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 2, TARGET);
    wait_for(DISCOVER_FRESH);
    for (int i = 0; i < 3; i++) { /* as often as it is tried */
        expect_query(NAME, DNS_TYPE_SRV);
        script_begin(&script, NAME, DNS_TYPE_SRV, DNS_REFUSED);
        dns_server_send(&server, &script);
    }
    (void)wait_until(4000, (turn(), resolve(&n) == DISCOVER_STALE), "stale");
    ck_assert_uint_eq(n, 2);
    ck_assert_int_ge(discover_age_ms(d), 900);
    (void)wait_until(4000, (turn(), dns_server_take(&server)), "another try");
    answer_srv(60, 2, TARGET);
    wait_for(DISCOVER_FRESH);
    ck_assert_int_eq(discover_age_ms(d), 0);
    end();
}
END_TEST

START_TEST(a_server_that_is_silent_makes_it_stale)
{
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 2, TARGET);
    wait_for(DISCOVER_FRESH);
    wait_for(DISCOVER_STALE);
    (void)wait_until(4000, (turn(), discover_age_ms(d) >= 1500), "its age");
    end();
}
END_TEST

/* Nobody has to dispatch for that. */
START_TEST(an_answer_that_nobody_renews_becomes_stale)
{
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 2, TARGET);
    wait_for(DISCOVER_FRESH);
    (void)wait_until(4000, result() == DISCOVER_STALE, "fresh");
    end();
}
END_TEST

START_TEST(targets_addresses_are_asked_for)
{
    struct discover_endpoint e;
    size_t n;
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 1, "db.example.org");
    expect_query("db.example.org", DNS_TYPE_A);
    script_begin(&script, "db.example.org", DNS_TYPE_A, DNS_NOERROR);
    script_a(&script, SECTION_ANSWER, "db.example.org", 60, "10.9.8.7");
    dns_server_send(&server, &script);
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    expect_query("db.example.org", DNS_TYPE_AAAA);
    script_begin(&script, "db.example.org", DNS_TYPE_AAAA, DNS_NOERROR);
    script_aaaa(&script, SECTION_ANSWER, "db.example.org", 60, "2001:db8::7");
    dns_server_send(&server, &script);
    wait_for(DISCOVER_FRESH);
    ck_assert_int_eq(discover_resolve(d, SERVICE, &e, 1, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(e.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_mem_eq(e.ipv4, "\12\11\10\7", 4);
    end();
}
END_TEST

static void on_change(void *arg, const struct discover_change *change)
{
    *(struct discover_change *)arg = *change;
}

START_TEST(a_watch_follows)
{
    struct discover_change seen = {.n = 99};
    struct discover_watch *w;
    begin();
    ck_assert_int_eq(discover_watch(d, SERVICE, on_change, &seen, &w), 0);
    expect_query(NAME, DNS_TYPE_SRV);
    ck_assert_uint_eq(seen.n, 99);
    answer_srv(1, 2, TARGET);
    (void)wait_until(4000, (turn(), seen.n == 2), "two");
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 1, TARGET);
    (void)wait_until(4000, (turn(), seen.n == 1), "one");
    ck_assert_uint_eq(seen.n_differences, 1);
    expect_query(NAME, DNS_TYPE_SRV);
    deny(DNS_NXDOMAIN, 60, ZONE);
    (void)wait_until(4000, (turn(), seen.n == 0), "none");
    ck_assert_int_eq(seen.result, DISCOVER_E_UNKNOWN);
    discover_unwatch(w);
    end();
}
END_TEST

START_TEST(a_picker_picks)
{
    struct discover_picker *p;
    struct discover_endpoint e;
    begin();
    ck_assert_int_eq(discover_picker_new(d, SERVICE, &p), 0);
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_E_UNSYNCED);
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 4, TARGET);
    (void)wait_until(4000, (turn(), discover_pick(p, &e) == DISCOVER_FRESH), "a pick");
    discover_report(p, e.id, 1000, DISCOVER_OK);
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 1, TARGET);
    size_t n;
    (void)wait_until(4000, (turn(), resolve(&n) == DISCOVER_FRESH && n == 1), "the one left");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(discover_pick(p, &e), DISCOVER_FRESH);
        ck_assert_uint_eq(e.port, 8080);
    }
    discover_picker_free(p);
    end();
}
END_TEST

/* A caller that takes names from its users does not grow without bound. */
START_TEST(there_are_never_too_many)
{
    size_t asked = 0, n;
    char service[32];
    begin();
    for (int i = 0; i < 300; i++) {
        snprintf(service, sizeof service, "shop/s%d", i);
        ck_assert_int_eq(discover_resolve(d, service, NULL, 0, &n), DISCOVER_E_UNSYNCED);
    }
    turn();
    while (dns_server_take(&server))
        asked++;
    ck_assert_uint_gt(asked, 0);
    ck_assert_uint_le(asked, 256);
    end();
}
END_TEST

/* Each condition is a question; an instance has to be in all answers. */
START_TEST(conditions_are_asked_for)
{
    static const char *const names[] = {"canary.tag." NAME, "eu-1.at." NAME};
    struct discover_query *q;
    struct discover_endpoint e;
    size_t n;
    begin();
    ck_assert_int_eq(discover_query_new(SERVICE, &q), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "canary"), 0);
    ck_assert_int_eq(discover_query_set_place(q, "eu-2"), 0);
    ck_assert_int_eq(discover_query_set_place(q, "eu-1"), 0);
    ck_assert_int_eq(discover_query_run(d, q, NULL, &e, 1, &n), DISCOVER_E_UNSYNCED);
    for (int i = 0; i < 2; i++) {
        expect_query(names[i], DNS_TYPE_SRV);
        script_begin(&script, names[i], DNS_TYPE_SRV, DNS_NOERROR);
        for (int k = 0; k < 2; k++)
            script_srv(&script, names[i], 60, 0, 256, (uint16_t)(8080 + i + k), TARGET);
        dns_server_send(&server, &script);
    }
    (void)wait_until(4000, (turn(), discover_query_run(d, q, NULL, &e, 1, &n) == DISCOVER_FRESH), "an answer");
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(e.port, 8081);
    discover_query_free(q);
    end();
}
END_TEST

static int on_instance(void *arg, const struct discover_instance *instance)
{
    ck_assert_str_eq(instance->service, SERVICE);
    ck_assert_str_eq(instance->host, "");
    ck_assert_str_eq(instance->hostname, "");
    ck_assert_int_eq(instance->usable, 1);
    ck_assert_uint_eq(instance->endpoint.tier, DISCOVER_ELSEWHERE);
    ++*(size_t *)arg;
    return 0;
}

START_TEST(instances_are_listed)
{
    size_t n = 0;
    begin();
    ck_assert_int_eq(discover_each_instance(d, SERVICE, on_instance, &n), DISCOVER_E_UNSYNCED);
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    ck_assert_int_eq(discover_each_instance(d, SERVICE, on_instance, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(discover_each_service(d, ignore_service, NULL), DISCOVER_E_UNSYNCED);
    end();
}
END_TEST

/* What it was told by DNS is forgotten; pickers go over. */
START_TEST(a_daemon_that_comes_takes_over)
{
    struct stage stage;
    struct discover_picker *p;
    struct discover_endpoint e;
    struct catalog *catalog = stage_catalog(2, 9000);
    size_t n;
    stage_open(&stage);
    make_handle(DISCOVER_SOURCE_AUTO, "/nonexistent");
    strcpy(d->socket_path, stage.path); /* it appears */
    ck_assert_int_eq(discover_picker_new(d, SERVICE, &p), 0);
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 3, TARGET);
    (void)wait_until(4000, (turn(), discover_pick(p, &e) == DISCOVER_FRESH), "a pick");
    (void)wait_until(4000, (turn(), d->link != LINK_DOWN), "a connection");
    stage_accept(&stage);
    stage_welcome(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), API_VERSION,
                  stage_table_fd(catalog));
    (void)wait_until(4000, (turn(), resolve(&n) == DISCOVER_FRESH && n == 2), "the daemon's instances");
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_FRESH);
    ck_assert_uint_eq(e.tier, DISCOVER_HOST);
    (void)wait_until(4000, (turn(), poll(&(struct pollfd){discover_fd(d), POLLIN, 0}, 1, 0) == 0), "quiet");
    discover_picker_free(p);
    end();
    catalog_free(catalog);
    stage_close(&stage);
}
END_TEST

/* In DNS mode a daemon is for registrations alone: it answers no look-ups. */
START_TEST(only_dns_means_only_dns)
{
    struct stage stage;
    struct catalog *catalog = stage_catalog(2, 9000);
    stage_open(&stage);
    make_handle(DISCOVER_SOURCE_DNS, stage.path);
    ck_assert_int_eq(discover_status(d, ignore_status, NULL), -ETIMEDOUT);
    stage_accept(&stage);
    stage_welcome(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), API_VERSION,
                  stage_table_fd(catalog));
    (void)wait_until(4000, (turn(), discover_connected(d)), "connected");
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    expect_query(NAME, DNS_TYPE_SRV);
    end();
    catalog_free(catalog);
    stage_close(&stage);
}
END_TEST

START_TEST(wait_waits)
{
    begin();
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_wait(d, SERVICE, 60), DISCOVER_E_UNSYNCED);
    ck_assert_int_ge(clock_now_ns() - start_ns, 50 * NS_PER_MS);
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 3, TARGET);
    ck_assert_int_eq(discover_wait(d, SERVICE, 4000), DISCOVER_FRESH);
    ck_assert_int_eq(discover_wait(d, SERVICE, -1), -EINVAL);
    end();
}
END_TEST

START_TEST(settings_are_checked)
{
    static const char *const bad[] = {"x",
                                      "127.0.0.1:0",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:53x",
                                      "1.2.3.4.5",
                                      "127.0.0.1,",
                                      "[::1",
                                      "[127.0.0.1]",
                                      "::1:x",
                                      "[::1]x",
                                      ":53",
                                      "resolver.example.org",
                                      "127.0.0.1, 127.0.0.2"};
    ck_assert_int_eq(discover_new(&d), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(discover_set_dns(d, bad[i], NULL) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(discover_set_dns(d, NULL, NULL), -EINVAL);
    ck_assert_int_eq(discover_set_dns(d, "", "a..b"), -EINVAL);
    ck_assert_int_eq(discover_set_dns(d, "127.0.0.1,10.0.0.1:53,[::1]:8053,2001:db8::1,[::1]", "svc.example.org"), 0);
    ck_assert_int_eq(discover_set_source(d, (enum discover_source)3), -EINVAL);
    discover_free(d);
    begin();
    ck_assert_int_eq(discover_set_dns(d, "", NULL), -EALREADY);
    ck_assert_int_eq(discover_set_source(d, DISCOVER_SOURCE_AUTO), -EALREADY);
    end();
}
END_TEST

/* The child reads what its parent knew, and leaves the parent's sockets alone. */
START_TEST(a_forked_child_reads_and_frees)
{
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    pid_t child = fork();
    if (child == 0) {
        bool right = result() == DISCOVER_E_UNSYNCED && discover_dispatch(d) == -ECHILD &&
                     discover_resolve(d, "shop/other", NULL, 0, &(size_t){0}) == DISCOVER_E_UNSYNCED;
        discover_free(d);
        _exit(right ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    answer_srv(60, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    end();
}
END_TEST

/* A daemon with which no words can be had is as none: DNS answers, until one comes that can be understood. */
START_TEST(beside_a_daemon_of_another_version)
{
    struct stage stage;
    stage_open(&stage);
    make_handle(DISCOVER_SOURCE_AUTO, stage.path);
    struct catalog *catalog = stage_catalog(2, 9000);
    stage_accept(&stage);
    stage_error(&stage, 0, DISCOVER__V1__ERROR__CODE__VERSION, "the daemon speaks versions 7 to 9");
    ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_VERSION);
    ck_assert_int_eq(discover_dispatch(d), 0); /* reported once */
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    ck_assert_str_eq(discover_last_error(d), "the daemon speaks versions 7 to 9");
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    (void)wait_until(4000, (turn(), d->link == LINK_GREETING), "not connected again");
    stage_accept(&stage);
    stage_welcome(&stage, d->last_id, API_VERSION, stage_table_fd(catalog));
    size_t n = 0;
    (void)wait_until(4000, (turn(), resolve(&n) == DISCOVER_FRESH && n == 2), "DNS's answer");
    ck_assert_str_eq(discover_last_error(d), "");
    end();
    catalog_free(catalog);
    stage_close(&stage);
}
END_TEST

static bool has(size_t wanted)
{
    size_t n = 0;
    return resolve(&n) == DISCOVER_FRESH && n == wanted;
}

static int learn_more(void *arg, const struct discover_instance *instance)
{
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(60, 5, TARGET);
    (void)wait_until(4000, (turn(), has(5)), "what was known before");
    ck_assert_str_eq(instance->service, SERVICE);
    ck_assert_uint_eq(instance->endpoint.port, 8080);
    ++*(int *)arg;
    return 7;
}

/* What a list shows stays as it is while its callback dispatches, and hears of something else. */
START_TEST(a_callback_of_a_list_may_dispatch)
{
    int calls = 0;
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(1, 1, TARGET);
    wait_for(DISCOVER_FRESH);
    ck_assert_int_eq(discover_each_instance(d, SERVICE, learn_more, &calls), 7);
    ck_assert_int_eq(calls, 1);
    end();
}
END_TEST

/* An idle handle sleeps. */
START_TEST(nothing_to_do_is_nothing_to_dispatch)
{
    begin();
    (void)result();
    expect_query(NAME, DNS_TYPE_SRV);
    answer_srv(3600, 3, TARGET);
    wait_for(DISCOVER_FRESH);
    (void)wait_until(4000, (turn(), poll(&(struct pollfd){discover_fd(d), POLLIN, 0}, 1, 0) == 0), "readable");
    ck_assert_int_eq(poll(&(struct pollfd){discover_fd(d), POLLIN, 0}, 1, 50), 0);
    end();
}
END_TEST

UNIT_TESTS("DNS", the_first_look_up_asks, names_that_are_none, none_and_unknown_are_told_apart,
           a_stranger_s_denial_is_not_believed, it_is_asked_again_when_its_ttl_has_run_out,
           a_server_that_fails_makes_it_stale, a_server_that_is_silent_makes_it_stale,
           an_answer_that_nobody_renews_becomes_stale, targets_addresses_are_asked_for, a_watch_follows, a_picker_picks,
           there_are_never_too_many, conditions_are_asked_for, instances_are_listed, a_daemon_that_comes_takes_over,
           only_dns_means_only_dns, wait_waits, settings_are_checked, a_forked_child_reads_and_frees,
           beside_a_daemon_of_another_version, a_callback_of_a_list_may_dispatch, nothing_to_do_is_nothing_to_dispatch)
