/* SPDX-License-Identifier: Apache-2.0 */
/* The responder as a whole: options, sockets, locks, and that it stops. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/dns/dns_sockets.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/live.h"

static const char payment[] = "payment.shop." ZONE;

static void with_payment(void)
{
    put("shop.payment.web-1.p1", 8080, NULL);
    flush();
    live_options();
}

START_TEST(test_r12_udp_and_tcp_on_one_port)
{
    with_payment();
    live_start();
    ck_assert_uint_eq(first(live_ask(payment, SRV), 0, SRV)->port, 8080);
    int fd = live_connect(SOCK_STREAM);
    live_send_tcp(fd, payment, SRV);
    ck_assert_uint_eq(first(live_receive_tcp(fd), 0, SRV)->port, 8080);
    close(fd);
    live_stop();
}
END_TEST

/* Loopback has all of 127/8: a wildcard socket must answer from the very address that was asked. */
START_TEST(test_r11_replies_leave_from_the_address_asked)
{
    uint8_t query[512], answer[512];
    with_payment();
    live_listen("0.0.0.0");
    live_start();
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}, from;
    socklen_t from_bytes = sizeof from;
    inet_pton(AF_INET, "127.3.2.1", &a.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    size_t n = build("ns." ZONE, A, query);
    ck_assert_int_eq(sendto(fd, query, n, 0, (struct sockaddr *)&a, sizeof a), (ssize_t)n);
    ssize_t got = recvfrom(fd, answer, sizeof answer, 0, (struct sockaddr *)&from, &from_bytes);
    ck_assert_int_gt(got, 4);
    ck_assert_uint_eq(from.sin_addr.s_addr, a.sin_addr.s_addr);
    ck_assert_mem_eq(answer + got - 4, &a.sin_addr, 4); /* and "ns" is that address */
    close(fd);
    live_stop();
}
END_TEST

START_TEST(test_ipv6)
{
    uint8_t query[512], answer[512];
    with_payment();
    live_listen("[::1]");
    live_start();
    struct sockaddr_in6 a = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    size_t n = build(payment, SRV, query);
    ck_assert_int_eq(sendto(fd, query, n, 0, (struct sockaddr *)&a, sizeof a), (ssize_t)n);
    ck_assert_int_gt(recv(fd, answer, sizeof answer, 0), (ssize_t)n);
    close(fd);
    live_stop();
}
END_TEST

/* Sharing the UDP port with another daemon would give each half of the queries. */
START_TEST(test_p15_a_second_responder_fails_to_start)
{
    char reason[DNS_REASON_CAP];
    struct dns *second = NULL;
    with_payment();
    options.workers = 3; /* with SO_REUSEPORT among themselves */
    live_start();
    ck_assert_int_eq(dns_new(&options, NULL, &second, reason), -EADDRINUSE);
    ck_assert(strstr(reason, options.listen->items[0]) && strstr(reason, "another daemon"));
    ck_assert_ptr_null(second);
    live_stop();
    ck_assert_int_eq(dns_new(&options, NULL, &second, reason), 0); /* and the port is free again */
    dns_free(second);
}
END_TEST

START_TEST(test_workers_share_the_load)
{
    with_payment();
    options.workers = 3;
    live_start();
    for (int i = 0; i < 60; i++) /* each from a port of its own, so to any of them */
        ck_assert_uint_eq(live_ask(payment, SRV)->counts[0], 1);
    live_stop();
}
END_TEST

/* As systemd hands them over, not blocking; they go on living when the responder is gone. */
START_TEST(test_inherited_sockets)
{
    with_payment();
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(tcp, (struct sockaddr *)&a, n), 0);
    ck_assert_int_eq(getsockname(tcp, (struct sockaddr *)&a, &n), 0);
    ck_assert_int_eq(bind(udp, (struct sockaddr *)&a, n), 0);
    ck_assert_int_eq(listen(tcp, 16), 0);
    const int inherited[] = {udp, tcp};
    options.inherited = inherited;
    options.n_inherited = 2;
    options.workers = 2;
    char same[32];
    int other = port;
    snprintf(same, sizeof same, "127.0.0.1:%d", ntohs(a.sin_port));
    char *listen_too[] = {same, options.listen->items[0]}; /* the first is served already */
    options.listen = &(const struct string_list){listen_too, 2};
    for (int life = 0; life < 2; life++) {
        live_start();
        port = ntohs(a.sin_port);
        ck_assert_uint_eq(live_ask(payment, SRV)->counts[0], 1);
        int fd = live_connect(SOCK_STREAM);
        live_send_tcp(fd, payment, SRV);
        ck_assert_uint_eq(live_receive_tcp(fd)->counts[0], 1);
        close(fd);
        port = other;
        ck_assert_uint_eq(live_ask(payment, SRV)->counts[0], 1);
        live_stop();
    }
    close(udp);
    close(tcp);
}
END_TEST

START_TEST(test_changes_reach_running_workers)
{
    with_payment();
    live_start();
    for (uint16_t i = 0; i < 100; i++) {
        put("shop.payment.web-1.p1", (uint16_t)(9000 + i), NULL);
        flush();
        ck_assert_uint_eq(first(live_ask(payment, SRV), 0, SRV)->port, 9000 + i);
    }
    live_stop();
}
END_TEST

/* A network of our own, whose loopback takes small packets only. False where that is not permitted. */
static bool shrink_loopback(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    lo.ifr_mtu = 1280;
    ck_assert_int_eq(ioctl(fd, SIOCSIFMTU, &lo), 0);
    lo.ifr_flags = IFF_UP;
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
    return true;
}

/* Answers are sent whole if an interface takes them; where it does not, in fragments, from the first one on. */
START_TEST(test_r36_small_interfaces_get_fragments)
{
    uint8_t query[512], answer[16384];
    static const uint8_t opt[] = {0, 0, 41, 0x40, 0, 0, 0, 0, 0, 0, 0};
    if (!shrink_loopback())
        return;
    put_many("shop.payment", 60);
    live_options();
    live_start();
    int fd = live_connect(SOCK_DGRAM);
    size_t n = build(payment, SRV, query);
    memcpy(query + n, opt, sizeof opt);
    query[11] = 1;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(send(fd, query, n + sizeof opt, 0), (ssize_t)(n + sizeof opt));
        ck_assert_int_gt(recv(fd, answer, sizeof answer, 0), 4000);
    }
    close(fd);
    live_stop();
}
END_TEST

START_TEST(test_stopping_takes_no_time)
{
    with_payment();
    live_start();
    int64_t before = clock_now_ns();
    live_stop();
    ck_assert_int_lt(clock_now_ns() - before, DNS_WAKE_NS); /* not as long as they would sleep */
    dns_free(NULL);
}
END_TEST

static void expect_refusal(const char *fragment)
{
    char reason[DNS_REASON_CAP] = "";
    struct dns *none = NULL;
    ck_assert_int_eq(dns_new(&options, NULL, &none, reason), -EINVAL);
    ck_assert_msg(strstr(reason, fragment), "%s", reason);
    live_options();
}

START_TEST(test_options_are_checked)
{
    const struct string_list bad_listen = {(char *[]){(char *)"localhost:53"}, 1},
                             bad_port = {(char *[]){(char *)"127.0.0.1:70000"}, 1},
                             bad_zone = {(char *[]){(char *)"printer.local"}, 1},
                             bad_network = {(char *[]){(char *)"10.0.0.0/33"}, 1};
    with_payment();
    live_start(); /* there is nothing wrong with them */
    live_stop();
    options.listen = &bad_listen;
    expect_refusal("cannot listen on localhost:53");
    options.listen = &bad_port;
    expect_refusal("cannot listen on 127.0.0.1:70000");
    options.zones = &bad_zone;
    expect_refusal("\"printer.local\"");
    options.allow = &bad_network;
    expect_refusal("\"10.0.0.0/33\"");
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns server", test_r12_udp_and_tcp_on_one_port,
              test_r11_replies_leave_from_the_address_asked, test_ipv6, test_p15_a_second_responder_fails_to_start,
              test_workers_share_the_load, test_inherited_sockets, test_changes_reach_running_workers,
              test_r36_small_interfaces_get_fragments, test_stopping_takes_no_time, test_options_are_checked)
