/* SPDX-License-Identifier: Apache-2.0 */
/* Host fields that can mean us, and those of a page that lets its name point here. */
#include "daemon/http/http_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/support/unit.h"

static const struct string_list hosts = {(char *[]){(char *)"web-1.example.com"}, 1},
                                zones = {(char *[]){(char *)"discover.internal"}, 1}, empty = {NULL, 0};
static const struct http_names names = {&hosts, &zones}, none = {&empty, &empty};

static bool ours(const char *host)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    inet_pton(AF_INET, "10.1.2.3", &local.sin_addr);
    return http_host_is_ours(host, (const struct sockaddr *)&local, &names);
}

static bool ours_by_v6(const char *host)
{
    struct sockaddr_in6 local = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "2001:db8::7", &local.sin6_addr);
    return http_host_is_ours(host, (const struct sockaddr *)&local, &none);
}

START_TEST(what_means_us)
{
    static const char *const good[] = {"localhost",
                                       "LocalHost:8054",
                                       "localhost.:80",
                                       "a.localhost",
                                       "127.0.0.1:8054",
                                       "127.9.9.9",
                                       "[::1]:8054",
                                       "[::1]",
                                       "10.1.2.3",
                                       "10.1.2.3:80",
                                       "[::ffff:10.1.2.3]",
                                       "web-1.example.com",
                                       "WEB-1.example.com.:8054",
                                       "7f000001.addr.shop.discover.internal:8054",
                                       "Discover.Internal"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(ours(good[i]), "%s", good[i]);
    ck_assert(ours_by_v6("[2001:db8::7]:8054"));
    ck_assert(ours_by_v6("[2001:DB8:0::7]"));
    ck_assert(ours_by_v6("127.0.0.1"));
}
END_TEST

START_TEST(what_does_not)
{
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "evil.example:8054",
                                      "xlocalhost",
                                      "localhost.evil.example",
                                      ".localhost",
                                      "127.0.0.1.evil.example",
                                      "10.1.2.4",
                                      "8.8.8.8",
                                      "0.0.0.0",
                                      "[::]",
                                      "[::1",
                                      "[::1]x",
                                      "::1",
                                      "localhost:80:80",
                                      "localhost:80x",
                                      "web-2.example.com",
                                      "x.web-1.example.com",
                                      "xdiscover.internal",
                                      "discover.internal.evil.example",
                                      "[2001:db8::7]",
                                      "localhost/",
                                      "a@localhost"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!ours(bad[i]), "%s", bad[i]);
    char longest[300];
    memset(longest, 'a', sizeof longest);
    strcpy(longest + 280, ".localhost");
    ck_assert(!ours(longest));
    ck_assert(!ours_by_v6("[2001:db8::8]"));
}
END_TEST

UNIT_TESTS("http/host", what_means_us, what_does_not)
