/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances with a host name instead of an address: the daemon resolves it with a real DNS server (dnsmasq),
 * serves the address, follows it within its TTL, and keeps it when the server is away.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define DB "{ name = \"shop/db\"; instance = \"d1\"; port = 5432; address = [\"db.example.com\"]; }"

static struct nats nats;
static struct host a, b;
static struct proc upstream;
static int upstream_port;
static char zone_path[256], seen[512];

/* --- the server that is asked --- */

static void write_zone(const char *lines)
{
    FILE *out = fopen(zone_path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(lines, out);
    fclose(out);
    ck_assert_int_eq(chmod(zone_path, 0644), 0);
}

static bool upstream_answers(void)
{
    struct dnsq_reply reply;
    return dnsq_udp(upstream_port, "db.example.com", DNSQ_A, &reply) == 0;
}

/* dnsmasq answers from a hosts file, which it reads again at SIGHUP, with a TTL of one second. */
static void upstream_launch(void)
{
    char port[32], hosts[300];
    snprintf(port, sizeof port, "--port=%d", upstream_port);
    snprintf(hosts, sizeof hosts, "--addn-hosts=%s", zone_path);
    proc_start(&upstream, "upstream",
               (const char *const[]){"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                                     "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=",
                                     "--user=", "--log-facility=-", "--local-ttl=1", "--local=/example.com/",
                                     "--cname=alias.example.com,db.example.com", port, hosts, NULL},
               NULL);
    (void)wait_until(5000, upstream_answers(), "dnsmasq");
}

static void upstream_start(const char *lines)
{
    ck_assert_int_eq(chmod(e2e_folder(), 0755), 0);
    snprintf(zone_path, sizeof zone_path, "%s/zone", e2e_folder());
    upstream_port = port_take();
    write_zone(lines);
    upstream_launch();
}

static void zone_becomes(const char *lines)
{
    write_zone(lines);
    proc_signal(&upstream, SIGHUP);
}

/* --- the hosts --- */

static const char *resolver(void)
{
    static char text[256];
    snprintf(text, sizeof text,
             "resolver = { servers = [\"127.0.0.1:%d\"]; min_ttl = \"500ms\"; denied_grace = \"1s\"; };\n",
             upstream_port);
    return text;
}

static void one_host(const char *services)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .services = services, .extra = resolver()});
}

/* --- what is seen --- */

static bool has_record(const struct dnsq_reply *r, int section, uint16_t type, const char *data)
{
    for (size_t i = 0; i < r->n_records; i++)
        if (r->record[i].section == section && r->record[i].type == type && strcmp(r->record[i].data, data) == 0)
            return true;
    return false;
}

static bool asked(struct host *h, const char *name, uint16_t type, struct dnsq_reply *ret_reply)
{
    int err = dnsq_udp(h->dns_port, name, type, ret_reply);
    snprintf(seen, sizeof seen, "%s type %d on %s: %s, rcode %d, %zu answers, first: %.255s", name, type, h->name,
             err ? strerror(-err) : "answered", ret_reply->rcode, ret_reply->n_answers, ret_reply->record[0].data);
    return err == 0;
}

static bool answers(struct host *h, uint16_t type, const char *data)
{
    struct dnsq_reply r = {0};
    return asked(h, "db.shop.discover.internal", type, &r) && r.n_answers == 1 && has_record(&r, 0, type, data);
}

static bool answers_nothing(struct host *h, uint16_t type)
{
    struct dnsq_reply r = {0};
    return asked(h, "db.shop.discover.internal", type, &r) && r.rcode == DNSQ_NOERROR && r.n_answers == 0;
}

static double metric(struct host *h, const char *name)
{
    static char answer[256 * 1024];
    char line[128];
    double value = -1;
    ck_assert_int_eq(http_get(h->http_port, "/metrics", answer, sizeof answer), 200);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(answer, line);
    ck_assert_msg(at && sscanf(at + strlen(line), "%lf", &value) == 1, "no metric %s", name);
    snprintf(seen, sizeof seen, "%s %g", name, value);
    return value;
}

/* --- tests --- */

START_TEST(its_address_is_served_in_every_interface)
{
    struct dnsq_reply r;
    struct output o;
    upstream_start("10.7.0.1 db.example.com\n2001:db8:7::1 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1"), seen);
    (void)wait_until(3000, answers(&a, DNSQ_AAAA, "2001:db8:7::1"), seen);
    ck_assert(asked(&a, "db.shop.discover.internal", DNSQ_SRV, &r));
    ck_assert_uint_eq(r.n_answers, 1);
    ck_assert_str_eq(r.record[0].data, "0a07000120010db8000700000000000000000001.addr.shop.discover.internal");
    ck_assert_msg(has_record(&r, 2, DNSQ_A, "10.7.0.1"), "%s", seen);
    ck_assert_msg(has_record(&r, 2, DNSQ_AAAA, "2001:db8:7::1"), "%s", seen);
    ck_assert(seen_by_all(&a, "shop/db", 1));
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/db", NULL), 0);
    ck_assert_str_eq(o.out, "10.7.0.1:5432 1 passing a/d1\n");
    ck_assert_int_eq(ctl(&a, &o, "--json", "resolve", "shop/db", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.out, "db.example.com")); /* the name stays visible */
}
END_TEST

START_TEST(a_change_is_followed_within_its_ttl)
{
    upstream_start("10.7.0.1 db.example.com\n2001:db8:7::1 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1") && answers(&a, DNSQ_AAAA, "2001:db8:7::1"), seen);
    zone_becomes("10.7.0.2 db.example.com\n2001:db8:7::1 db.example.com\n");
    measured("the address of a host name with a TTL of 1 s changes, followed",
             wait_until(3000, answers(&a, DNSQ_A, "10.7.0.2"), seen));
    zone_becomes("2001:db8:7::2 db.example.com\n"); /* no IPv4 any more */
    (void)wait_until(3000, answers(&a, DNSQ_AAAA, "2001:db8:7::2"), seen);
    (void)wait_until(5000, answers_nothing(&a, DNSQ_A), seen);
}
END_TEST

/* On another host's catalog, and through an alias: each daemon resolves what it holds. */
START_TEST(each_daemon_resolves_the_names_it_holds)
{
    struct kv kv;
    static const char value[] = "{\"host\":\"alias.example.com\",\"port\":5432,\"ttl\":60}";
    upstream_start("10.7.0.1 db.example.com\n");
    one_host("");
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .extra = resolver()});
    kv_open(&kv, nats.server[0].url);
    (void)kv_put(&kv, "SERVICES", "shop.db.web-9.d1", value, strlen(value));
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1"), seen);
    (void)wait_until(3000, answers(&b, DNSQ_A, "10.7.0.1"), seen);
    ck_assert_msg(metric(&b, "discoverd_resolver_names") == 1, "%s", seen);
    kv_delete(&kv, "SERVICES", "shop.db.web-9.d1");
    (void)wait_until(3000, metric(&b, "discoverd_resolver_names") == 0, seen);
    kv_close(&kv);
}
END_TEST

START_TEST(the_last_address_stays_while_the_server_is_away)
{
    upstream_start("10.7.0.1 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1"), seen);
    proc_kill(&upstream);
    (void)wait_until(15000, metric(&a, "discoverd_resolver_failures_total") > 1, seen);
    holds_for(500, answers(&a, DNSQ_A, "10.7.0.1"), seen);

    /* Nor does a restart lose it: it is in the stored catalog. */
    host_stop(&a);
    host_run(&a);
    ck_assert_msg(answers(&a, DNSQ_A, "10.7.0.1"), "%s", seen);

    write_zone("10.7.0.9 db.example.com\n");
    upstream_launch();
    (void)wait_until(20000, answers(&a, DNSQ_A, "10.7.0.9"), seen);
}
END_TEST

/* It takes questions and says nothing: time runs out for those, and nothing else notices. */
START_TEST(a_server_that_hangs_holds_up_nothing)
{
    struct output o;
    upstream_start("10.7.0.1 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1"), seen);
    proc_signal(&upstream, SIGSTOP);
    (void)wait_until(20000, answers(&a, DNSQ_A, "10.7.0.1") && metric(&a, "discoverd_resolver_failures_total") > 0,
                     seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/other", "--port", "1", "--ttl", "1m", NULL), 0);
    ck_assert_msg(seen_by_all(&a, "shop/other", 1), "%s", a.seen);
    zone_becomes("10.7.0.2 db.example.com\n");
    proc_signal(&upstream, SIGCONT);
    (void)wait_until(20000, answers(&a, DNSQ_A, "10.7.0.2"), seen);
}
END_TEST

/* Until something is known, and again when the name is denied for long, the host name itself is the target.
 */
START_TEST(without_an_address_the_name_is_the_target)
{
    upstream_start("10.7.0.9 other.example.com\n");
    one_host(DB);
    ck_assert_msg(answers(&a, DNSQ_SRV, "db.example.com"), "%s", seen);
    ck_assert_msg(answers_nothing(&a, DNSQ_A), "%s", seen);
    (void)wait_until(5000, metric(&a, "discoverd_resolver_denials_total") >= 2, seen);
    ck_assert_msg(answers(&a, DNSQ_SRV, "db.example.com"), "%s", seen);
}
END_TEST

START_TEST(a_lasting_denial_takes_the_address)
{
    upstream_start("10.7.0.1 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, answers(&a, DNSQ_A, "10.7.0.1"), seen);
    zone_becomes("10.7.0.9 other.example.com\n");
    (void)wait_until(5000, answers_nothing(&a, DNSQ_A), seen);
    ck_assert_msg(metric(&a, "discoverd_resolver_dropped_total") >= 1, "%s", seen);
    ck_assert_msg(answers(&a, DNSQ_SRV, "db.example.com"), "%s", seen);
}
END_TEST

START_TEST(of_several_addresses_one_is_kept)
{
    struct dnsq_reply r, again;
    upstream_start("10.7.0.1 db.example.com\n10.7.0.2 db.example.com\n10.7.0.3 db.example.com\n");
    one_host(DB);
    (void)wait_until(3000, asked(&a, "db.shop.discover.internal", DNSQ_A, &r) && r.n_answers == 1, seen);
    double before = metric(&a, "discoverd_resolver_queries_total");
    (void)wait_until(10000, metric(&a, "discoverd_resolver_queries_total") >= before + 4, seen);
    ck_assert(asked(&a, "db.shop.discover.internal", DNSQ_A, &again));
    ck_assert_str_eq(again.record[0].data, r.record[0].data);
    ck_assert_msg(metric(&a, "discoverd_resolver_changes_total") == 1, "%s", seen);
}
END_TEST

/* The daemon itself as its resolver: refused, as by anybody; it neither hangs nor asks without end. */
START_TEST(its_own_server_resolves_nothing)
{
    char text[512];
    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.name = "a", .nats = nats.urls, .services = DB});
    snprintf(text, sizeof text, "resolver = { servers = [\"127.0.0.1:%d\"]; };\n", a.dns_port);
    FILE *out = fopen(a.config, "a");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    host_run(&a);
    (void)wait_until(10000, metric(&a, "discoverd_resolver_failures_total") >= 2, seen);
    ck_assert_msg(metric(&a, "discoverd_resolver_queries_total") < 20, "%s", seen);
    ck_assert_msg(answers(&a, DNSQ_SRV, "db.example.com"), "%s", seen);
}
END_TEST

/* Registers over the socket in octets: what the library would not let through. */
static void register_below_our_zone(void)
{
    static const char request[] = "\x08\x00\x00\x00\x08\x01\x12\x04\x08\x01\x10\x01" /* hello, versions 1 to 1 */
                                  "\x2a\x00\x00\x00\x08\x02\x1a\x26"                 /* id 2, register */
                                  "\x0a\x07shop/db\x1a\x17\x2a\x13x.discover.internal\x30\x01\x20\xe0\xd4\x03";
    char answer[4096];
    size_t n = 0;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(sa.sun_path, a.socket, strlen(a.socket));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    ck_assert_int_eq(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    while (!memmem(answer, n, "below our own zones", 19)) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&readable, 1, 5000) == 1 && n < sizeof answer, "no refusal in %zu octets", n);
        ssize_t got = recv(fd, answer + n, sizeof answer - n, 0);
        ck_assert_int_gt(got, 0);
        n += (size_t)got;
    }
    close(fd);
}

START_TEST(names_below_our_own_zones_are_refused)
{
    struct kv kv;
    static const char value[] = "{\"host\":\"db.shop.discover.internal\",\"port\":5432,\"ttl\":60}";
    upstream_start("10.7.0.1 db.example.com\n");
    one_host("");
    register_below_our_zone();
    kv_open(&kv, nats.server[0].url);
    (void)kv_put(&kv, "SERVICES", "shop.db.web-9.d1", value, strlen(value));
    (void)wait_until(3000, metric(&a, "discoverd_resolver_refused_total") == 1, seen);
    ck_assert_msg(metric(&a, "discoverd_resolver_names") == 0, "%s", seen);
    ck_assert_msg(answers_nothing(&a, DNSQ_A), "%s", seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("host names", 60, {"its_address_is_served_in_every_interface", its_address_is_served_in_every_interface},
          {"a_change_is_followed_within_its_ttl", a_change_is_followed_within_its_ttl},
          {"each_daemon_resolves_the_names_it_holds", each_daemon_resolves_the_names_it_holds},
          {"the_last_address_stays_while_the_server_is_away", the_last_address_stays_while_the_server_is_away},
          {"a_server_that_hangs_holds_up_nothing", a_server_that_hangs_holds_up_nothing},
          {"without_an_address_the_name_is_the_target", without_an_address_the_name_is_the_target},
          {"a_lasting_denial_takes_the_address", a_lasting_denial_takes_the_address},
          {"of_several_addresses_one_is_kept", of_several_addresses_one_is_kept},
          {"its_own_server_resolves_nothing", its_own_server_resolves_nothing},
          {"names_below_our_own_zones_are_refused", names_below_our_own_zones_are_refused})
