/* SPDX-License-Identifier: Apache-2.0 */
/* Results and addresses as text. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "discover/discover.h"
#include "tests/support/unit.h"

START_TEST(every_result_has_its_own_text)
{
    for (int code = DISCOVER_E_NONE; code >= DISCOVER_E_PROTOCOL; code--) {
        ck_assert_str_ne(discover_strerror(code), "unknown result");
        for (int other = code - 1; other >= DISCOVER_E_PROTOCOL; other--)
            ck_assert_str_ne(discover_strerror(code), discover_strerror(other));
    }
    ck_assert_str_eq(discover_strerror(-ENOENT), "No such file or directory");
    ck_assert_str_eq(discover_strerror(-123456), "unknown result");
    ck_assert_str_eq(discover_strerror(77), "unknown result");
}
END_TEST

START_TEST(addresses)
{
    struct discover_endpoint e = {.port = 8080, .ipv4 = {10, 0, 1, 22}, .ipv6 = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
    char text[DISCOVER_ADDRESS_MAX];
    ck_assert_int_eq(discover_endpoint_text(&e, text, sizeof text), -EADDRNOTAVAIL);
    e.families = DISCOVER_HAS_IPV6;
    ck_assert_int_eq(discover_endpoint_text(&e, text, sizeof text), 0);
    ck_assert_str_eq(text, "[2001:db8::1]:8080");
    e.families |= DISCOVER_HAS_IPV4;
    ck_assert_int_eq(discover_endpoint_text(&e, text, 15), 0);
    ck_assert_str_eq(text, "10.0.1.22:8080");
    ck_assert_int_eq(discover_endpoint_text(&e, text, 14), -ENOSPC);
    memset(e.ipv6, 0xff, sizeof e.ipv6);
    e.families = DISCOVER_HAS_IPV6;
    e.port = 65535;
    ck_assert_int_eq(discover_endpoint_text(&e, text, sizeof text), 0);
    ck_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

START_TEST(addresses_to_connect_to)
{
    struct discover_endpoint e = {.port = 8080, .ipv4 = {10, 0, 1, 22}, .ipv6 = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
    struct sockaddr_storage address;
    socklen_t n = 77;
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_UNSPEC, &address, &n), -EADDRNOTAVAIL);
    e.families = DISCOVER_HAS_IPV6;
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_INET, &address, &n), -EAFNOSUPPORT);
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_UNIX, &address, &n), -EINVAL);
    ck_assert_int_eq(discover_endpoint_sockaddr(NULL, AF_INET, &address, &n), -EINVAL);
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_UNSPEC, &address, &n), 0);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    ck_assert(n == sizeof *v6 && v6->sin6_family == AF_INET6 && v6->sin6_port == htons(8080));
    ck_assert_mem_eq(&v6->sin6_addr, e.ipv6, sizeof e.ipv6);
    e.families |= DISCOVER_HAS_IPV4;
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_UNSPEC, &address, &n), 0);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    ck_assert(n == sizeof *v4 && v4->sin_family == AF_INET && v4->sin_port == htons(8080));
    ck_assert_mem_eq(&v4->sin_addr, e.ipv4, sizeof e.ipv4);
    ck_assert_int_eq(discover_endpoint_sockaddr(&e, AF_INET6, &address, &n), 0);
    ck_assert_int_eq(address.ss_family, AF_INET6);
}
END_TEST

START_TEST(sizes_for_bindings)
{
    ck_assert_uint_eq(discover_sizeof_endpoint(), 40);
    ck_assert_uint_eq(discover_sizeof_instance(), sizeof(struct discover_instance));
    ck_assert_uint_eq(discover_sizeof_host(), sizeof(struct discover_host));
    ck_assert_uint_eq(discover_sizeof_pair(), sizeof(struct discover_pair));
    ck_assert_uint_eq(discover_sizeof_difference(), sizeof(struct discover_difference));
    ck_assert_uint_eq(discover_sizeof_change(), sizeof(struct discover_change));
    ck_assert_uint_eq(discover_sizeof_status(), sizeof(struct discover_status));
}
END_TEST

UNIT_TESTS("text", every_result_has_its_own_text, addresses, addresses_to_connect_to, sizes_for_bindings)
