/* SPDX-License-Identifier: Apache-2.0 */
/* What dig and kdig, with resolvers' code of their own, make of the answers. */
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\", \"2001:db8::3\"]; priority = 5; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(3000, seen_by_dns(&b, "shop/payment") == 1, b.seen);
}

/* The output of dig (or kdig) against b, with blanks at its end cut off. */
static const char *ask(struct output *ret_output, const char *program, const char *arguments)
{
    int code = shell(ret_output, "%s @127.0.0.1 -p %d %s", program, b.dns_port, arguments);

    ck_assert_msg(code == 0, "%s %s: exit %d: %s%s", program, arguments, code, ret_output->out, ret_output->err);
    return ret_output->out;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "expected: %s\nin: %s", part, text);
}

static void answers(const char *program)
{
    struct output o;

    has(ask(&o, program, "+short payment.shop.discover.internal A"), "10.1.2.3\n");
    has(ask(&o, program, "+short payment.shop.discover.internal AAAA"), "2001:db8::3\n");
    has(ask(&o, program, "+short payment.shop.discover.internal SRV"), " 8080 ");
    has(ask(&o, program, "+short _payment._tcp.shop.discover.internal SRV"), "5 ");
    has(ask(&o, program, "+tcp +short payment.shop.discover.internal SRV"), " 8080 ");
    has(ask(&o, program, "+short discover.internal SOA"), "discover.internal. ");
    has(ask(&o, program, "+short discover.internal NS"), "discover.internal.");
    has(ask(&o, program, "none.shop.discover.internal SRV"), "NXDOMAIN");
    has(ask(&o, program, "payment.shop.discover.internal MX"), "NOERROR");
    has(ask(&o, program, "example.org A"), "REFUSED");
}

START_TEST(dig)
{
    struct output o;

    two_hosts();
    answers("dig +norecurse");
    (void)ask(&o, "dig +norecurse", "payment.shop.discover.internal SRV");
    ck_assert_msg(!strcasestr(o.out, "warning") && !strcasestr(o.out, "bad"), "dig finds fault: %s", o.out);
}
END_TEST

START_TEST(kdig)
{
    two_hosts();
    answers("kdig +norecurse");
}
END_TEST

/* The target of an SRV record resolves to the instance's addresses: one is for IPv4, or one for each family. */
START_TEST(targets_resolve)
{
    struct output o;

    two_hosts();
    ck_assert_int_eq(
        shell(&o,
              "dig=\"dig @127.0.0.1 -p %d +short\"; for target in $($dig payment.shop.discover.internal SRV "
              "| cut -d' ' -f4); do $dig $target A; $dig $target AAAA; done",
              b.dns_port),
        0);
    has(o.out, "10.1.2.3\n");
    has(o.out, "2001:db8::3\n");
}
END_TEST

/* RFC 7766 6.2.1: several questions over one connection. */
START_TEST(one_connection)
{
    static const char accepted[] = "discoverd_dns_tcp_accepted_total";
    struct output o;

    two_hosts();
    int64_t before = host_counter(&b, accepted);
    ck_assert_int_ge(before, 0);
    (void)ask(&o, "kdig +tcp +keepopen +short",
              "payment.shop.discover.internal SRV payment.shop.discover.internal A "
              "payment.shop.discover.internal AAAA");
    has(o.out, " 8080 ");
    has(o.out, "10.1.2.3\n");
    has(o.out, "2001:db8::3\n");
    ck_assert_int_eq(host_counter(&b, accepted), before + 1);
}
END_TEST

E2E_TESTS("DNS clients", 60, {"dig", dig}, {"kdig", kdig}, {"targets_resolve", targets_resolve},
          {"one_connection", one_connection})
