/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, networks, and hosts with ports. */
#include "daemon/base/address_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(test_address)
{
    struct sockaddr_storage a;
    socklen_t n;
    char text[INET6_ADDRSTRLEN];
    ck_assert_int_eq(address_parse("127.0.0.1:8053", &a, &n), 0);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
    ck_assert_int_eq(a.ss_family, AF_INET);
    ck_assert_uint_eq(n, sizeof *in);
    ck_assert_uint_eq(ntohs(in->sin_port), 8053);
    ck_assert_str_eq(inet_ntop(AF_INET, &in->sin_addr, text, sizeof text), "127.0.0.1");
    ck_assert_int_eq(address_parse("[2001:db8::1]:0", &a, &n), 0);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
    ck_assert_int_eq(a.ss_family, AF_INET6);
    ck_assert_uint_eq(n, sizeof *in6);
    ck_assert_uint_eq(in6->sin6_port, 0);
    ck_assert_str_eq(inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text), "2001:db8::1");
}
END_TEST

START_TEST(test_bad_address)
{
    static const char *const bad[] = {
        "",      "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",    ":53",          "127.0.0.1:53 ",
        "[::1]", "[::1]:",    "::1:53",     "[127.0.0.1]:53",     "localhost:53", "127.0.0.1:-1",
        "[]:53", "[::1:53",   "1.2.3:53",   "127.0.0.1:00053000", "127.0.0.1:+1", "[fe80::1%lo]:53",
    };
    struct sockaddr_storage a = {.ss_family = 77};
    socklen_t n = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(address_parse(bad[i], &a, &n) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(a.ss_family, 77);
    ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(test_network)
{
    struct network n;
    ck_assert_int_eq(network_parse("10.0.0.0/8", &n), 0);
    ck_assert_int_eq(n.family, AF_INET);
    ck_assert_uint_eq(n.prefix, 8);
    ck_assert_mem_eq(n.bytes, "\x0a\0\0", 4);
    ck_assert_int_eq(network_parse("192.0.2.1", &n), 0);
    ck_assert_uint_eq(n.prefix, 32);
    ck_assert_int_eq(network_parse("0.0.0.0/0", &n), 0);
    ck_assert_uint_eq(n.prefix, 0);
    ck_assert_int_eq(network_parse("fd00::/9", &n), 0);
    ck_assert_int_eq(n.family, AF_INET6);
    ck_assert_uint_eq(n.prefix, 9);
    ck_assert_int_eq(network_parse("::1", &n), 0);
    ck_assert_uint_eq(n.prefix, 128);
}
END_TEST

START_TEST(test_bad_network)
{
    static const char *const bad[] = {"",           "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8/8", "/8",
                                      "10.0.0.0/a", "10/8",      "fd00::1/64",  "::/129",     "10.0.0.0/-1",  "any"};
    struct network n = {.prefix = 77};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(network_parse(bad[i], &n) == -EINVAL, "%s", bad[i]);
    ck_assert_uint_eq(n.prefix, 77);
}
END_TEST

START_TEST(test_host_port)
{
    const char *host;
    size_t n;
    uint16_t port;
    ck_assert_int_eq(host_port_parse("db.example.com:5432", &host, &n, &port), 0);
    ck_assert_uint_eq(n, strlen("db.example.com"));
    ck_assert_int_eq(strncmp(host, "db.example.com", n), 0);
    ck_assert_uint_eq(port, 5432);
    ck_assert_int_eq(host_port_parse("[::1]:80", &host, &n, &port), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(strncmp(host, "::1", n), 0);
    ck_assert_int_eq(host_port_parse("db", &host, &n, &port), -EINVAL);
    ck_assert_int_eq(host_port_parse("a:b:80", &host, &n, &port), -EINVAL);
    ck_assert_int_eq(host_port_parse("a:70000", &host, &n, &port), -EINVAL);
}
END_TEST

UNIT_TESTS("address", test_address, test_bad_address, test_network, test_bad_network, test_host_port)
