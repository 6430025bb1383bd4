/* SPDX-License-Identifier: Apache-2.0 */
/* glibc's resolver, with examples/glibc/resolv.conf as /etc/resolv.conf: getaddrinfo, getnameinfo,
 * res_nsearch. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/clients/machine.h"
#include "tests/clients/stage.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

/* glibc keeps nothing; the daemon follows within a second. */
#define FOLLOW_MS 10000

static struct stage s;
static char seen[256], first_address[64];

/* change: of the example. */
static void begin(const char *services, struct change change)
{
    const struct change changes[] = {change, {0}};
    char path[512];

    machine_start();
    stage_example("examples/glibc/resolv.conf", changes, path, sizeof path);
    machine_file("/etc/resolv.conf", path);
    stage_start(&s, services,
                &(struct host_options){.dns_port = 53, .dns = "zones = [\"discover.internal\", \"10.in-addr.arpa\"];"});
}

/* How many IPv4 addresses a name has, or one of EAI_..., which are negative. */
static int addresses(const char *name)
{
    struct addrinfo *list = NULL, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    int n = 0, error = getaddrinfo(name, NULL, &hints, &list);

    for (struct addrinfo *i = list; i; i = i->ai_next)
        n++;
    if (list)
        (void)getnameinfo(list->ai_addr, list->ai_addrlen, first_address, sizeof first_address, NULL, 0,
                          NI_NUMERICHOST);
    freeaddrinfo(list);
    snprintf(seen, sizeof seen, "%s: %d addresses, %s", name, n, error ? gai_strerror(error) : "no error");
    return error ? error : n;
}

static int payments(void)
{
    return addresses("payment.shop.discover.internal");
}

START_TEST(follows)
{
    struct proc first;
    struct output o;

    begin(NULL, (struct change){0});
    (void)wait_until(FOLLOW_MS, payments() == EAI_NONAME, seen);
    stage_register(&s.a, &first, "p1", 1001, 1);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    ck_assert_str_eq(first_address, "127.0.0.1");
    ck_assert_int_eq(
        ctl(&s.b, &o, "register", "shop/payment", "--address", "127.0.0.2", "--port", "2", "--ttl", "1m", NULL), 0);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    proc_kill(&first);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    ck_assert_str_eq(first_address, "127.0.0.2");
}
END_TEST

START_TEST(search_list_and_other_names)
{
    begin(stage_services(1, 1001), (struct change){0});
    machine_other_names();
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    ck_assert_msg(addresses("payment.shop") == 1, "%s", seen);
    ck_assert_msg(addresses("payment") == 1, "%s", seen);
    ck_assert_msg(addresses("www.example.com") == 1, "%s", seen);
    ck_assert_str_eq(first_address, "192.0.2.80");
    ck_assert_msg(addresses("none.example.com") == EAI_NONAME, "%s", seen);
    ck_assert_msg(addresses("none") == EAI_NONAME, "%s", seen);
}
END_TEST

/* More than one datagram holds. */
START_TEST(a_hundred)
{
    begin(stage_services(100, 1001), (struct change){0});
    (void)wait_until(FOLLOW_MS, payments() == 100, seen);
}
END_TEST

/* As glibc is without options: few enough for a datagram, and in time all of them. */
START_TEST(without_edns)
{
    bool first[101] = {false};
    int n = 0;

    begin(stage_services(100, 1001), (struct change){"edns0 ", ""});
    (void)wait_until(FOLLOW_MS, payments() == 20, seen);
    for (int i = 0; n < 30 && i < 1000; i++) {
        ck_assert_msg(payments() == 20, "%s", seen);
        bool *was = &first[inet_addr(first_address) >> 24];
        n += !*was;
        *was = true;
    }
    ck_assert_int_eq(n, 30);
}
END_TEST

START_TEST(srv)
{
    struct __res_state state = {0};
    unsigned char answer[NS_MAXMSG];
    ns_msg message;

    begin(stage_services(60, 1001), (struct change){0});
    (void)wait_until(FOLLOW_MS, payments() == 60, seen);
    ck_assert_int_eq(res_ninit(&state), 0);
    int n = res_nsearch(&state, "_payment._tcp.shop", ns_c_in, ns_t_srv, answer, sizeof answer);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(ns_initparse(answer, n, &message), 0);
    ck_assert_int_eq(ns_msg_count(message, ns_s_an), 60);
    res_nclose(&state);
}
END_TEST

START_TEST(reverse)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.1.2.3")};
    char name[NI_MAXHOST] = "";

    begin("{ name = \"shop/payment\"; instance = \"p1\"; port = 1001; address = [\"10.1.2.3\"]; }", (struct change){0});
    (void)wait_until(
        FOLLOW_MS, getnameinfo((struct sockaddr *)&sa, sizeof sa, name, sizeof name, NULL, 0, NI_NAMEREQD) == 0, name);
    ck_assert_msg(strstr(name, ".discover.internal"), "%s", name);
    ck_assert_msg(addresses(name) == 1, "%s", seen);
    ck_assert_str_eq(first_address, "10.1.2.3");
}
END_TEST

/* With discoverd alone: never "no such name" for what cannot be known. */
START_TEST(without_nats)
{
    begin(stage_services(2, 1001), (struct change){"nameserver 192.0.2.53", "# "});
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    nats_server_kill(&s.nats, 0);
    holds_for(2000, payments() == 2, seen);
    stage_forget(&s);
    ck_assert_msg(payments() == EAI_AGAIN, "%s", seen);
    stage_remember(&s);
    ck_assert_msg(payments() == 2, "%s", seen);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"follows", follows},
                                     {"search_list_and_other_names", search_list_and_other_names},
                                     {"a_hundred", a_hundred},
                                     {"without_edns", without_edns},
                                     {"srv", srv},
                                     {"reverse", reverse},
                                     {"without_nats", without_nats}};

    return machine_possible() ? e2e_main("glibc", tests, sizeof tests / sizeof *tests, 60) : 77;
}
