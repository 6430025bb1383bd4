/* SPDX-License-Identifier: Apache-2.0 */
/* What a resolver in front of discoverd must show. */
#include "tests/clients/forwarder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dnsq.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

/* A change is there within the TTL of the answer before it, 1 s, and what a loaded machine adds. */
#define FOLLOW_MS 10000

/* A server that does not answer is asked less and less often. */
#define DOWN_MS 5000
#define BACK_MS 30000

#define TESTS_MAX 16

static const struct forwarder *tested;
static struct stage s;
static int port;
static struct dnsq_reply reply;
static char seen[256];

static void begin(const char *services, const struct host_options *b)
{
    if (tested->prepare)
        tested->prepare();
    stage_start(&s, services, b);
    port = port_take();
    tested->start(&s, port, (struct change){0});
    (void)wait_until(10000, dnsq_udp(port, "discover.internal", DNSQ_SOA, &reply) == 0 && reply.n_answers == 1,
                     "the forwarder does not answer");
}

/* How many answers, or CANNOT_KNOW, or NO_ANSWER; 0 only with a name that is not there, or a type. */
static int ask(const char *name, uint16_t type)
{
    int error = dnsq_udp(port, name, type, &reply);

    snprintf(seen, sizeof seen, "%s: %s, rcode %d, %zu answers, tc %d", name, strerror(-error), reply.rcode,
             reply.n_answers, reply.tc);
    if (error < 0)
        return NO_ANSWER;
    if (reply.rcode == DNSQ_NOERROR || reply.rcode == DNSQ_NXDOMAIN)
        return (int)reply.n_answers;
    return reply.rcode == DNSQ_SERVFAIL ? CANNOT_KNOW : NO_ANSWER;
}

static int payments(void)
{
    return ask("payment.shop.discover.internal", DNSQ_SRV);
}

/* Where an SRV record leads to. */
static void target_resolves(void)
{
    char target[256];

    ck_assert_int_ge(ask("_payment._tcp.shop.discover.internal", DNSQ_SRV), 1);
    snprintf(target, sizeof target, "%s", reply.record[0].data);
    ck_assert_msg(ask(target, DNSQ_A) == 1, "%s", seen);
    ck_assert_str_eq(reply.record[0].data, "127.0.0.1");
}

START_TEST(configuration_as_shipped)
{
    (void)stage_output("%s", tested->check);
}
END_TEST

START_TEST(follows)
{
    struct proc first, second;

    begin(NULL, NULL);
    stage_register(&s.a, &first, "p1", 1001, 1);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    target_resolves();
    ck_assert_msg(ask("payment.shop.discover.internal", DNSQ_A) == 1, "%s", seen);
    stage_register(&s.b, &second, "p2", 1002, 1);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    proc_kill(&first);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    ck_assert_int_eq(reply.record[0].port, 1002);
    proc_kill(&second);
    (void)wait_until(FOLLOW_MS, payments() == 0, seen);
}
END_TEST

START_TEST(asked_too_early)
{
    struct proc first;

    begin(NULL, NULL);
    (void)wait_until(FOLLOW_MS, payments() == 0 && reply.rcode == DNSQ_NXDOMAIN, seen);
    stage_register(&s.a, &first, "p1", 1001, 1);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
}
END_TEST

START_TEST(sixty)
{
    begin(stage_services(60, 1001), NULL);
    (void)wait_until(FOLLOW_MS,
                     dnsq_tcp(port, "payment.shop.discover.internal", DNSQ_SRV, &reply) == 0 && reply.n_answers == 60,
                     seen);
    (void)wait_until(FOLLOW_MS, payments() == 60 || reply.tc, seen);
}
END_TEST

static void begin_reverse(void)
{
    begin("{ name = \"shop/payment\"; instance = \"p1\"; port = 1001; address = [\"10.1.2.3\"]; }",
          &(struct host_options){.dns = "zones = [\"discover.internal\", \"10.in-addr.arpa\"];"});
}

START_TEST(reverse)
{
    begin_reverse();
    (void)wait_until(FOLLOW_MS, ask("3.2.1.10.in-addr.arpa", DNSQ_PTR) == 1, seen);
    ck_assert_msg(strstr(reply.record[0].data, ".discover.internal"), "%s", reply.record[0].data);
    ck_assert_msg(ask("payment.shop.discover.internal", DNSQ_A) == 1, "%s", seen);
    ck_assert_str_eq(reply.record[0].data, "10.1.2.3");
}
END_TEST

START_TEST(without_nats)
{
    begin(stage_services(2, 1001), NULL);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    nats_server_kill(&s.nats, 0);
    holds_for(3000, payments() == 2, seen);
    stage_forget(&s);
    (void)wait_until(FOLLOW_MS, payments() == CANNOT_KNOW, seen);
    stage_remember(&s);
    (void)wait_until(BACK_MS, payments() == 2, seen);
}
END_TEST

START_TEST(daemon_down)
{
    begin(stage_services(2, 1001), NULL);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    host_kill(&s.b);
    (void)wait_until(FOLLOW_MS, payments() < 0, seen);
    holds_for(DOWN_MS, payments() != 0, seen); /* never "none", whatever else */
    host_run(&s.b);
    (void)wait_until(BACK_MS, payments() == 2, seen);
}
END_TEST

static bool answers_all(void)
{
    return ask("payment.shop.discover.internal", DNSQ_A) == 1 && ask("3.2.1.10.in-addr.arpa", DNSQ_PTR) == 1;
}

START_TEST(every_line_is_needed)
{
    begin_reverse();
    (void)wait_until(FOLLOW_MS, answers_all(), seen);
    for (const struct change *change = tested->needed; change->from; change++) {
        port = port_take();
        tested->start(&s, port, *change);
        (void)wait_until(FOLLOW_MS, dnsq_udp(port, "localhost", DNSQ_A, &reply) == 0, change->from);
        ck_assert_msg(!answers_all(), "not needed: %s", change->from);
    }
}
END_TEST

static size_t add(struct e2e_test *tests, size_t n, const struct e2e_test *more, size_t n_more)
{
    if (n + n_more > TESTS_MAX)
        abort(); /* no test runs yet, so there is none to fail */
    for (size_t i = 0; i < n_more; i++)
        tests[n + i] = more[i];
    return n + n_more;
}

int forwarder_main(const struct forwarder *forwarder)
{
    const struct e2e_test checked[] = {{"configuration_as_shipped", configuration_as_shipped}};
    const struct e2e_test all[] = {
        {"follows", follows}, {"asked_too_early", asked_too_early}, {"sixty", sixty},
        {"reverse", reverse}, {"daemon_down", daemon_down},         {"without_nats", without_nats}};
    const struct e2e_test needed[] = {{"every_line_is_needed", every_line_is_needed}};
    struct e2e_test tests[TESTS_MAX];
    size_t n = 0;

    tested = forwarder;
    n = add(tests, n, checked, forwarder->check ? 1 : 0);
    n = add(tests, n, all, sizeof all / sizeof *all);
    n = add(tests, n, needed, forwarder->needed ? 1 : 0);
    n = add(tests, n, forwarder->own, forwarder->n_own);
    return e2e_main(forwarder->name, tests, n, 60);
}
