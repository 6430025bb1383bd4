/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients off loopback, over real sockets: in a network of the test's own, whose interface has addresses that
 * are not loopback's. Where such a network may not be made, nothing is tested.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/support/wait.h"
#include "tests/unit/dns/live.h"
#include "tests/unit/dns/reply.h"

/* All of 192.0.2.0/24 is local, and these two of IPv6. */
#define SERVER_4 "192.0.2.1"
#define CLIENT_4 "192.0.2.2"
#define OTHER_4  "192.0.2.200"
#define SERVER_6 "2001:db8::1"
#define CLIENT_6 "2001:db8::2"

static const char payment[] = "payment.shop." ZONE;
static struct reply got;

static void add_ipv4(int fd, const char *name, const char *address)
{
    struct ifreq r = {0};
    struct sockaddr_in a = {.sin_family = AF_INET};
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    inet_pton(AF_INET, address, &a.sin_addr);
    memcpy(&r.ifr_addr, &a, sizeof a);
    ck_assert_int_eq(ioctl(fd, SIOCSIFADDR, &r), 0);
}

static bool binds(const struct in6_addr *address)
{
    const struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = *address};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool ok = bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return ok;
}

/* The kernel takes the address into use in a moment of its own. */
static void add_ipv6(const char *address)
{
    struct {
        struct in6_addr address;
        uint32_t prefix;
        int interface;
    } r = {.prefix = 128, .interface = (int)if_nametoindex("lo")};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    inet_pton(AF_INET6, address, &r.address);
    ck_assert_int_eq(ioctl(fd, SIOCSIFADDR, &r), 0);
    close(fd);
    (void)wait_until(5000, binds(&r.address), address);
}

static bool own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    add_ipv4(fd, "lo:1", SERVER_4);
    close(fd);
    add_ipv6(SERVER_6);
    add_ipv6(CLIENT_6);
    return true;
}

static void with_instances(unsigned n, const char *address)
{
    put_many("shop.payment", n);
    live_options();
    live_listen(address);
}

static socklen_t address_of(const char *text, int to_port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)to_port);
        return sizeof *v4;
    }
    ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)to_port);
    return sizeof *v6;
}

/* A socket that asks from one address and sends to another. Receiving gives up after five seconds. */
static int connect_from(int type, const char *from, const char *to)
{
    struct sockaddr_storage a;
    const struct timeval timeout = {.tv_sec = 5};
    socklen_t n = address_of(from, 0, &a);
    int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, n), 0);
    n = address_of(to, port, &a);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, n), 0);
    return fd;
}

/* Connected: a reply from another address would not arrive. */
static const struct reply *ask_at(const char *from, const char *to, uint16_t type, uint16_t offer)
{
    uint8_t query[512];
    const uint8_t opt[] = {0, 0, 41, (uint8_t)(offer >> 8), (uint8_t)offer, 0, 0, 0, 0, 0, 0};
    size_t n = build(payment, type, query);
    int fd = connect_from(SOCK_DGRAM, from, to);
    memcpy(query + n, opt, sizeof opt);
    query[11] = 1;
    ck_assert_int_eq(send(fd, query, n + sizeof opt, 0), (ssize_t)(n + sizeof opt));
    ssize_t bytes = recv(fd, got.bytes, sizeof got.bytes, 0);
    ck_assert_msg(bytes > 0, "no reply from %s to %s: %s", to, from, strerror(errno));
    ck_assert(read_reply(got.bytes, (size_t)bytes, &got));
    close(fd);
    return &got;
}

static const char any_4[] = "0.0.0.0", any_6[] = "[::]";

START_TEST(test_r11_wildcards_answer_from_the_address_asked)
{
    if (!own_network())
        return;
    with_instances(3, any_4);
    live_start();
    ck_assert_uint_eq(count(ask_at(CLIENT_4, SERVER_4, SRV, 1232), 0, SRV), 3);
    ck_assert_uint_eq(count(ask_at(CLIENT_4, OTHER_4, SRV, 1232), 0, SRV), 3);
    ck_assert_uint_eq(count(ask_at("127.0.0.1", "127.9.9.9", SRV, 1232), 0, SRV), 3);
    live_stop();
    live_listen(any_6);
    live_start();
    ck_assert_uint_eq(count(ask_at(CLIENT_6, SERVER_6, SRV, 1232), 0, SRV), 3);
    ck_assert_uint_eq(count(ask_at(SERVER_6, CLIENT_6, SRV, 1232), 0, SRV), 3);
    ck_assert_uint_eq(count(ask_at("::1", "::1", SRV, 1232), 0, SRV), 3);
    live_stop();
}
END_TEST

/* Larger answers would be cut in pieces by the network, and pieces are lost and forged (RFC 9715). */
START_TEST(test_r36_off_loopback_1232_octets_at_most)
{
    if (!own_network())
        return;
    with_instances(60, any_4);
    live_start();
    const struct reply *r = ask_at(CLIENT_4, SERVER_4, SRV, 8192);
    ck_assert(r->tc);
    ck_assert_uint_le(r->n, 1232);
    ck_assert_uint_eq(r->payload, 1232);
    r = ask_at("127.0.0.1", "127.0.0.1", SRV, 8192);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, SRV), 60);
    live_stop();
    live_listen(any_6);
    live_start();
    ck_assert_uint_le(ask_at(CLIENT_6, SERVER_6, SRV, 8192)->n, 1232);
    live_stop();
}
END_TEST

static const struct reply *ask_tcp_from(const char *from, const char *to)
{
    int fd = connect_from(SOCK_STREAM, from, to);
    live_send_tcp(fd, payment, SRV);
    const struct reply *r = live_receive_tcp(fd);
    close(fd);
    return r;
}

START_TEST(test_r46_who_is_not_allowed_is_refused)
{
    const struct string_list allow = {(char *[]){(char *)"192.0.2.0/25"}, 1};
    if (!own_network())
        return;
    with_instances(3, any_4);
    options.allow = &allow;
    live_start();
    ck_assert_uint_eq(count(ask_at(CLIENT_4, SERVER_4, SRV, 1232), 0, SRV), 3);
    const struct reply *r = ask_at(OTHER_4, SERVER_4, SRV, 1232);
    ck_assert_uint_eq(r->rcode, REFUSED);
    ck_assert_int_eq(r->ede, 18);
    ck_assert_uint_eq(r->n_records, 0);
    ck_assert_uint_eq(count(ask_at("127.0.0.1", "127.0.0.1", SRV, 1232), 0, SRV), 3); /* this host itself, always */
    ck_assert_uint_eq(count(ask_tcp_from(CLIENT_4, SERVER_4), 0, SRV), 3);
    ck_assert_uint_eq(ask_tcp_from(OTHER_4, SERVER_4)->rcode, REFUSED);
    live_stop();
}
END_TEST

struct udp_packet {
    struct iphdr ip;
    struct udphdr udp;
    uint8_t payload[512];
};

/* Sends a query from a source port of the test's choice, below the socket layer, which has no port 0. */
static void send_from_port(uint16_t from_port, const uint8_t *query, size_t n)
{
    struct udp_packet p = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP}};
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    size_t bytes = sizeof p.ip + sizeof p.udp + n;
    ck_assert_int_ge(fd, 0);
    inet_pton(AF_INET, CLIENT_4, &p.ip.saddr);
    inet_pton(AF_INET, SERVER_4, &p.ip.daddr);
    to.sin_addr.s_addr = p.ip.daddr;
    p.udp.source = htons(from_port);
    p.udp.dest = htons((uint16_t)port);
    p.udp.len = htons((uint16_t)(sizeof p.udp + n)); /* a sum of 0: none, RFC 768 */
    memcpy(p.payload, query, n);
    ck_assert_int_eq(sendto(fd, &p, bytes, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)bytes);
    close(fd);
}

/* Nothing can be sent back to port 0; and what comes after is answered as ever. */
START_TEST(test_r46_port_0_gets_no_reply)
{
    uint8_t query[512];
    struct sockaddr_in own;
    socklen_t own_bytes = sizeof own;
    if (!own_network())
        return;
    with_instances(3, any_4);
    live_start();
    size_t n = build(payment, SRV, query);
    send_from_port(0, query, n);
    ck_assert_uint_eq(count(ask_at(CLIENT_4, SERVER_4, SRV, 1232), 0, SRV), 3);
    int fd =
        connect_from(SOCK_DGRAM, CLIENT_4, SERVER_4); /* the packet is a good one: from another port it is answered */
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &own_bytes), 0);
    send_from_port(ntohs(own.sin_port), query, n);
    ck_assert_int_gt(recv(fd, got.bytes, sizeof got.bytes, 0), 0);
    close(fd);
    live_stop();
}
END_TEST

/* What came in the end: replies with records, empty ones with TC. */
static void flood(const char *from, const char *to, int queries, int *ret_replies, int *ret_slips)
{
    uint8_t query[512];
    size_t n = build(payment, SRV, query);
    int fd = connect_from(SOCK_DGRAM, from, to), large = 4 << 20;
    const struct timeval timeout = {.tv_usec = 300000};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    *ret_replies = *ret_slips = 0;
    for (int i = 0; i < queries; i++)
        (void)send(fd, query, n, 0);
    for (ssize_t bytes; (bytes = recv(fd, got.bytes, sizeof got.bytes, 0)) > 0;) {
        ck_assert(read_reply(got.bytes, (size_t)bytes, &got));
        *ret_slips += got.tc && got.counts[0] == 0;
        *ret_replies += got.counts[0] == 3;
        ck_assert(got.counts[0] == 3 || (size_t)bytes == n); /* nothing is amplified */
    }
    close(fd);
}

/*
 * A network that asks for more than its share, or in whose name somebody does, gets little; every other
 * answer is then "come by TCP", where no name is forged, and there it is whole. Others, and this host, notice
 * nothing.
 */
START_TEST(test_r47_rate_of_answers_is_limited_off_loopback)
{
    int replies, slips;
    if (!own_network())
        return;
    with_instances(3, any_4);
    options.rate_limit = 10;
    live_start();
    flood(CLIENT_4, SERVER_4, 200, &replies, &slips);
    ck_assert_msg(replies >= 10 && replies < 40, "%d", replies); /* a second's worth, and what became due meanwhile */
    ck_assert_msg(slips > 50 && slips <= 100, "%d", slips);
    ck_assert_uint_eq(count(ask_tcp_from(CLIENT_4, SERVER_4), 0, SRV), 3);
    flood("127.0.0.1", "127.0.0.1", 200, &replies, &slips);
    ck_assert_msg(replies == 200 && slips == 0, "%d replies, %d slips", replies, slips);
    live_stop();
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns remote", test_r11_wildcards_answer_from_the_address_asked,
              test_r36_off_loopback_1232_octets_at_most, test_r46_who_is_not_allowed_is_refused,
              test_r46_port_0_gets_no_reply, test_r47_rate_of_answers_is_limited_off_loopback)
