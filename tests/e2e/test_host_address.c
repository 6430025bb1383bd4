/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine whose network comes late, changes and goes, in a network namespace of the test's own: what others are told
 * follows at once, and never is an address that nobody can reach.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define FOLLOWED_MS 3000

static struct nats nats;
static struct host a, b;
static struct output o;

#define ip(...)                                                                                                        \
    do {                                                                                                               \
        struct output ip_output;                                                                                       \
        ck_assert_msg(shell(&ip_output, "ip " __VA_ARGS__) == 0, "%s", ip_output.err);                                 \
    } while (0)

/* False, said, where a test may not have a network of its own. */
static bool own_network(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
        printf("-- skipped: host address: needs root, and network namespaces\n");
        return false;
    }
    ip("link set lo up");
    return true;
}

static void add_interface(const char *name, const char *address)
{
    ip("link add %s type veth peer name %s-p && ip link set %s-p up && ip link set %s up && ip addr add %s dev %s",
       name, name, name, name, address, name);
}

/* a: as its configuration says; b: a neighbour with an address that is given. */
static void start_hosts(const char *extra)
{
    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .extra = "address = [\"10.9.8.7\"];"});
    host_init(&a, &(struct host_options){.nats = nats.urls, .apart = true, .extra = extra});
    host_run(&a);
}

/* Whether b finds the service at that address, or not at all (NULL). */
static bool found_at(const char *service, const char *address)
{
    int code = ctl(&b, &o, "resolve", service, NULL);
    return address ? code == 0 && strstr(o.out, address) != NULL : code == 3;
}

START_TEST(the_network_comes_after_the_daemon_and_changes)
{
    struct proc holder;

    if (!own_network())
        return;
    start_hosts("");
    ctl_start(&a, &holder, "holder", "register", "shop/early", "--port", "80", "--instance", "i", NULL);
    (void)wait_until(FOLLOWED_MS, ctl(&a, &o, "status", NULL) == 0 && strstr(o.out, "waiting"), o.out);
    ck_assert(found_at("shop/early", NULL));
    add_interface("eth0", "192.168.7.20/24");
    (void)wait_until(FOLLOWED_MS, found_at("shop/early", "192.168.7.20:80"), o.out);
    ip("addr del 192.168.7.20/24 dev eth0 && ip addr add 192.168.7.99/24 dev eth0");
    (void)wait_until(FOLLOWED_MS, found_at("shop/early", "192.168.7.99:80"), o.out);
    (void)wait_until(FOLLOWED_MS, ctl(&b, &o, "hosts", NULL) == 0 && strstr(o.out, "192.168.7.99"), o.out);
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "192.168.7.99 (eth0"), "%s", o.out);
    ip("link del eth0");
    (void)wait_until(FOLLOWED_MS, found_at("shop/early", NULL), o.out);
}
END_TEST

START_TEST(routes_and_flags_decide)
{
    if (!own_network())
        return;
    ip("link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up");
    add_interface("ens5", "10.20.30.40/24");
    ip("route add default via 10.20.30.1 dev ens5");
    ip("-6 addr add 2001:db8::dead/64 dev ens5 preferred_lft 0 valid_lft 1000 nodad");
    ip("-6 addr add 2001:db8::5/64 dev ens5 nodad");
    start_hosts("");
    (void)wait_until(FOLLOWED_MS, ctl(&b, &o, "--json", "hosts", NULL) == 0 && strstr(o.out, "10.20.30.40"), o.out);
    (void)wait_until(FOLLOWED_MS, ctl(&b, &o, "--json", "hosts", NULL) == 0 && strstr(o.out, "2001:db8::5"), o.out);
    ck_assert_ptr_null(strstr(o.out, "172.17.0.1"));
}
END_TEST

START_TEST(an_interface_or_a_network_is_configured)
{
    if (!own_network())
        return;
    add_interface("eth0", "10.1.0.1/24");
    add_interface("eth1", "10.2.0.1/24");
    ip("route add default via 10.1.0.254 dev eth0");
    start_hosts("address = [\"%eth1\"];");
    (void)wait_until(FOLLOWED_MS, ctl(&b, &o, "--json", "hosts", NULL) == 0 && strstr(o.out, "10.2.0.1"), o.out);
    ip("addr add 10.3.0.1/24 dev eth0");
    ck_assert_int_eq(shell(&o, "sed -i 's|%%eth1|10.3.0.0/16|' %s", a.config), 0);
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(FOLLOWED_MS, ctl(&b, &o, "--json", "hosts", NULL) == 0 && strstr(o.out, "10.3.0.1"), o.out);
}
END_TEST

/* Puts addresses that are not there into a's dns.listen and http.listen, beside loopback. */
static void listen_at_absent_addresses(void)
{
    ck_assert_int_eq(
        shell(&o,
              "sed -i -e '/^dns/s|listen = .\\([^]]*\\).;|listen = [\\1, \"192.168.7.20:%d\", \"[fd00:7::20]:%d\"];|' "
              "-e '/^http/s|127.0.0.1|192.168.7.20|' %s",
              a.dns_port, a.dns_port, a.config),
        0);
}

/* What the DNS of a says of itself at an address; exit code 0: it answers. */
static bool dns_answers_at(const char *address, const char *how)
{
    return shell(&o, "dig @%s -p %d +tries=1 +time=1 %s +short discover.internal SOA", address, a.dns_port, how) == 0 &&
           strstr(o.out, "hostmaster");
}

static bool status_says(const char *what)
{
    return ctl(&a, &o, "status", NULL) == 0 && strstr(o.out, what);
}

START_TEST(an_address_to_listen_on_comes_later)
{
    char at[32];
    if (!own_network())
        return;
    host_init(&a, &(struct host_options){.dns_port = 8053, .http_port = 8054});
    listen_at_absent_addresses();
    host_launch(&a);
    (void)wait_until(FOLLOWED_MS, dns_answers_at("127.0.0.1", ""), o.err);
    ck_assert_msg(status_says("dns.listen 192.168.7.20:8053"), "%s", o.out);
    ck_assert_msg(strstr(o.out, "dns.listen [fd00:7::20]:8053") && strstr(o.out, "http.listen 192.168.7.20:8054"), "%s",
                  o.out);
    ck_assert_int_eq(ctl(&a, &o, "--json", "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "\"listen_problems\""), "%s", o.out);
    add_interface("eth0", "192.168.7.20/24");
    ip("-6 addr add fd00:7::20/64 dev eth0 nodad");
    (void)wait_until(FOLLOWED_MS, dns_answers_at("192.168.7.20", ""), o.err);
    ck_assert_msg(dns_answers_at("192.168.7.20", "+tcp"), "%s", o.out);
    (void)wait_until(FOLLOWED_MS, dns_answers_at("fd00:7::20", ""), o.err);
    snprintf(at, sizeof at, "%s/%d", "192.168.7.20", a.http_port);
    ck_assert_int_eq(
        shell(&o, "bash -c 'exec 3<>/dev/tcp/%s; printf \"GET /healthz HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'", at), 0);
    ck_assert_msg(strstr(o.out, "200 OK"), "%s", o.out);
    ck_assert_msg(!status_says("not reachable"), "%s", o.out);
    host_stop(&a);
}
END_TEST

START_TEST(a_port_of_another_process_is_an_error_wherever_the_address_is)
{
    if (!own_network())
        return;
    host_init(&a, &(struct host_options){.dns_port = 8053, .http_port = 8054});
    listen_at_absent_addresses();
    host_launch(&a);
    (void)wait_until(FOLLOWED_MS, dns_answers_at("127.0.0.1", ""), o.err);
    host_init(&b, &(struct host_options){.name = "b", .dns_port = 8055, .http_port = 8056});
    ck_assert_int_eq(shell(&o, "sed -i '/^dns/s|127.0.0.1:8055|192.168.7.20:8053|' %s", b.config), 0);
    const char *argv[] = {e2e_binary("discoverd"), "-c", b.config, NULL};
    ck_assert_int_ne(run(&o, argv), 0);
    ck_assert_msg(strstr(o.err, "192.168.7.20:8053: Address already in use"), "%s%s", o.out, o.err);
    host_stop(&a);
}
END_TEST

START_TEST(without_ipv6_the_rest_is_served)
{
    if (!own_network())
        return;
    ck_assert_int_eq(shell(&o, "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"), 0);
    host_init(&a, &(struct host_options){.dns_port = 8053, .http_port = 8054});
    ck_assert_int_eq(shell(&o, "sed -i '/^dns/s|\"127|\"[::1]:8053\", \"127|' %s", a.config), 0);
    host_run_offline(&a);
    ck_assert_msg(status_says("dns.listen [::1]:8053"), "%s", o.out);
    ck_assert_msg(dns_answers_at("127.0.0.1", ""), "%s", o.out);
}
END_TEST

E2E_TESTS("host address", 60, {"an_address_to_listen_on_comes_later", an_address_to_listen_on_comes_later},
          {"a_port_of_another_process_is_an_error_wherever_the_address_is",
           a_port_of_another_process_is_an_error_wherever_the_address_is},
          {"without_ipv6_the_rest_is_served", without_ipv6_the_rest_is_served},
          {"the_network_comes_after_the_daemon_and_changes", the_network_comes_after_the_daemon_and_changes},
          {"routes_and_flags_decide", routes_and_flags_decide},
          {"an_interface_or_a_network_is_configured", an_interface_or_a_network_is_configured})
