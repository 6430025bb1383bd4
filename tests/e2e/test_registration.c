/* SPDX-License-Identifier: Apache-2.0 */
/* A registration on one host is found on another, through every interface, and so is its end. */
#include <discover/discover.h>
#include <signal.h>
#include <string.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a, b;

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
}

static void found_everywhere(int n)
{
    (void)wait_until(10000, seen_by_all(&a, SERVICE, n), a.seen);
    (void)wait_until(10000, seen_by_all(&b, SERVICE, n), b.seen);
}

/* What was said at the registration is what DNS, libdiscover and discoverctl on the other host answer. */
static void details_on_b(void)
{
    struct dnsq_reply reply;
    struct discover_endpoint endpoint;
    struct output o;
    size_t n;

    ck_assert_int_eq(dnsq_udp(b.dns_port, "payment.shop.discover.internal", DNSQ_SRV, &reply), 0);
    ck_assert_int_eq(reply.record[0].port, 8080);
    ck_assert_int_eq(dnsq_udp(b.dns_port, reply.record[0].data, DNSQ_A, &reply), 0);
    ck_assert_uint_eq(reply.n_answers, 1);
    ck_assert_str_eq(reply.record[0].data, "10.1.2.3");

    ck_assert_int_eq(discover_resolve(host_lib(&b), SERVICE, &endpoint, 1, &n), DISCOVER_FRESH);
    ck_assert_int_eq(endpoint.port, 8080);
    ck_assert_int_eq(memcmp(endpoint.ipv4, (const uint8_t[]){10, 1, 2, 3}, 4), 0);
    ck_assert_uint_eq(endpoint.weight, 7);

    ck_assert_int_eq(ctl(&b, &o, "resolve", SERVICE, NULL), 0);
    ck_assert_str_eq(o.out, "10.1.2.3:8080 7 passing a/p1\n");
}

START_TEST(held_by_discoverctl)
{
    struct proc holder;

    two_hosts();
    ctl_start(&a, &holder, "holder", "register", SERVICE, "--port", "8080", "--address", "10.1.2.3", "--instance", "p1",
              "--weight", "7", NULL);
    found_everywhere(1);
    details_on_b();
    (void)proc_stop(&holder, 10000);
    found_everywhere(0);
}
END_TEST

START_TEST(through_libdiscover)
{
    struct discover_registration *r;

    two_hosts();
    ck_assert_int_eq(discover_registration_new(SERVICE, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.1.2.3"), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "p1"), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 7), 0);
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    found_everywhere(1);
    details_on_b();

    /* The living registration changes: nobody may see it vanish in between. */
    ck_assert_int_eq(discover_registration_set_state(r, DISCOVER_MAINTENANCE), 0);
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    found_everywhere(0);
    ck_assert_int_eq(discover_registration_set_state(r, DISCOVER_PASSING), 0);
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    found_everywhere(1);

    ck_assert_int_eq(discover_deregister(host_lib(&a), SERVICE, "p1"), 0);
    found_everywhere(0);
    discover_registration_free(r);
}
END_TEST

static void write_services(const char *folder)
{
    char path[300];

    snprintf(path, sizeof path, "%s/stock.conf", folder);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs("services = ( { name = \"inventory/stock\"; instance = \"s1\"; port = 9000; address = [\"10.0.0.9\"]; } );\n",
          out);
    fclose(out);
}

START_TEST(from_the_configuration)
{
    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls,
                                         .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                     "address = [\"10.1.2.3\"]; weight = 7; }"});
    write_services(a.services_dir);
    host_run(&a);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    found_everywhere(1);
    details_on_b();
    (void)wait_until(10000, seen_by_all(&b, "inventory/stock", 1), b.seen);
}
END_TEST

START_TEST(lives_as_long_as_its_command)
{
    struct output o;

    two_hosts();
    ck_assert_int_eq(ctl(&a, &o, "register", SERVICE, "--port", "1", "--", "sh", "-c", "exit 7", NULL), 7);
    ck_assert_int_eq(seen_by_dns(&a, SERVICE), 0);
}
END_TEST

START_TEST(lives_by_its_ttl)
{
    struct output o;

    two_hosts();
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(ctl(&a, &o, "register", SERVICE, "--port", "1", "--ttl", "2s", NULL), 0);
    (void)wait_until(1500, seen_by_dns(&b, SERVICE) == 1, b.seen);
    (void)wait_until(4000, seen_by_dns(&b, SERVICE) == 0, b.seen);
    ck_assert_int_ge(clock_now_ns() - start_ns, 2 * NS_PER_S);
    ck_assert_int_eq(seen_by_dns(&a, SERVICE), 0);
}
END_TEST

START_TEST(registered_before_the_other_host_came)
{
    struct proc holder;

    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    ctl_start(&a, &holder, "holder", "register", SERVICE, "--port", "8080", NULL);
    (void)wait_until(10000, seen_by_dns(&a, SERVICE) == 1, a.seen);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    ck_assert_msg(seen_by_all(&b, SERVICE, 1), "live, and yet: %s", b.seen);
}
END_TEST

/* Whoever asks for what cannot be is told which of his words it is, and why; the system's word for it says neither. */
START_TEST(refusals_name_what_is_wrong)
{
    static const struct {
        const char *option, *value, *why;
    } cases[] = {
        {"--address", "127.0.0.1", "a loopback address"},
        {"--address", "0.0.0.0", "an unspecified address"},
        {"--port", "0", "--port"},
        {"--ttl", "1ms", "ttl"},
        {"--pid", "2147483000", "pid"},
        {"--instance", "not a name", "--instance"},
        {"--weight", "-1", "--weight"},
        {"--checks", "tcp", "--check"},
        {"--check", "nonsense", "check 1: \"nonsense\""},
        {"--meta", "a b=1", "--meta a b=1: its key must be printable ASCII"},
        {"--tag", "x\ny", "a tag is 1..255 bytes of UTF-8"},
    };
    struct output o;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .apart = true});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool life = strcmp(cases[i].option, "--ttl") == 0 || strcmp(cases[i].option, "--pid") == 0;
        ck_assert_int_ne(ctl(&a, &o, "register", SERVICE, "--port", "1", cases[i].option, cases[i].value,
                             life ? NULL : "--ttl", "20s", NULL),
                         0);
        ck_assert_msg(strstr(o.err, cases[i].why) && !strstr(o.err, "Invalid argument"), "%s %s: %s", cases[i].option,
                      cases[i].value, o.err);
    }
}
END_TEST

START_TEST(refusals_of_other_commands)
{
    static const struct {
        const char *words[4], *why;
    } cases[] = {
        {{"drain", "a/B"}, "a/B: not a service, which is written DOMAIN/SERVICE"},
        {{"drain", "a/b", "Web_1"},
         "instance Web_1: a name is of a-z, 0-9 and '-' inside, at most 63; did you mean web-1?"},
        {{"maintenance", "on", "a/b", "Web_1"}, "instance Web_1: a name is"},
        {{"drain", "--reason", "x\ny"}, "reason: must be a line of UTF-8"},
        {{"drain", "--grace", "5000h"}, "--grace 5000h: not a good TIME: "},
        {{"deregister", "a/b", "--instance", "X_1"}, "--instance X_1: a name is"},
        {{"failover", "a/b", "Reg_1"}, "region Reg_1: a name is"},
        {{"check", "pass", "a/b", "X_1"}, "instance X_1: a name is"},
        {{"checks", "a/b", "X_1"}, "instance X_1: a name is"},
        {{"explain", "Web.1"}, "Web.1: not the name of anything"},
        {{"failover", "a/b", "elsewhere"}, "discoverctl: failover: no other region is read here"},
        {{"check", "pass", "a/b", "p1"}, "discoverctl: check: that instance has no such check"},
        {{"undrain", "a/b"}, "discoverctl: undrain: that state was not set"},
        {{"list", "--json"}, "list: --json: no such option; it stands before the command"},
        {{"hosts", "--host=a"}, "hosts: --host=a: no such option; it stands before the command"},
        {{"forget", "web-9"}, "discoverctl: web-9: no host of that name is known"},
        {{"forget", "Web.1"}, "host Web.1: a name is of a-z"},
    };
    struct output o;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .apart = true});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *w = cases[i].words;
        ck_assert_int_ne(ctl(&a, &o, w[0], w[1], w[2], w[3], NULL), 0);
        ck_assert_msg(strstr(o.err, cases[i].why) && !strstr(o.err, "Invalid argument"), "%s: %s", w[0], o.err);
    }
}
END_TEST

E2E_TESTS("registration", 60, {"held_by_discoverctl", held_by_discoverctl},
          {"through_libdiscover", through_libdiscover}, {"from_the_configuration", from_the_configuration},
          {"lives_as_long_as_its_command", lives_as_long_as_its_command}, {"lives_by_its_ttl", lives_by_its_ttl},
          {"registered_before_the_other_host_came", registered_before_the_other_host_came},
          {"refusals_name_what_is_wrong", refusals_name_what_is_wrong},
          {"refusals_of_other_commands", refusals_of_other_commands})
