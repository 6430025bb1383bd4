/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says of DNS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/support/wait.h"
#include "tests/unit/lib/dns/dns_script.h"

#define SERVICE "shop/payment"

static struct dns_server server;
static struct discover *d;

static int result(void)
{
    size_t n;
    return discover_resolve(d, SERVICE, NULL, 0, &n);
}

static void expect_query(const char *name)
{
    (void)wait_until(4000, (discover_dispatch(d) == 0 && dns_server_take(&server)), name);
    ck_assert_str_eq(server.name, name);
    ck_assert_uint_eq(server.type, DNS_TYPE_SRV);
}

static void end(void)
{
    discover_free(d);
    dns_server_close(&server);
}

/* The environment is for programs that do not ask: a container without the socket. */
START_TEST(the_environment_sets_servers_and_zone)
{
    dns_server_open(&server);
    ck_assert_int_eq(setenv("DISCOVERD_DNS", server.list, 1), 0);
    ck_assert_int_eq(setenv("DISCOVERD_ZONE", "svc.example.org", 1), 0);
    ck_assert_int_eq(setenv("DISCOVERD_SOCKET", "/nonexistent", 1), 0);
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    expect_query("payment.shop.svc.example.org");
    end();
}
END_TEST

static void new_with(enum discover_source source)
{
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_msg(strstr(discover_last_error(d), "DISCOVERD_DNS \"nonsense\""), "%s", discover_last_error(d));
    ck_assert_int_eq(discover_set_source(d, source), 0);
}

/* Whoever reads the error sees what is wrong; whoever does not need DNS need not care. */
START_TEST(a_bad_environment_is_named_where_dns_is_needed)
{
    dns_server_open(&server);
    ck_assert_int_eq(setenv("DISCOVERD_DNS", "nonsense", 1), 0);
    ck_assert_int_eq(setenv("DISCOVERD_SOCKET", "/nonexistent", 1), 0);
    new_with(DISCOVER_SOURCE_DAEMON);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_ptr_null(strstr(discover_last_error(d), "DISCOVERD_DNS"));
    discover_free(d);
    new_with(DISCOVER_SOURCE_AUTO);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_msg(strstr(discover_last_error(d), "DISCOVERD_DNS \"nonsense\""), "%s", discover_last_error(d));
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    discover_free(d);
    new_with(DISCOVER_SOURCE_DNS);
    ck_assert_int_eq(discover_start(d), -EINVAL);
    ck_assert_msg(strstr(discover_last_error(d), "DISCOVERD_DNS \"nonsense\""), "%s", discover_last_error(d));
    ck_assert_int_eq(discover_set_dns(d, "nothing", NULL), -EINVAL);
    ck_assert_msg(strstr(discover_last_error(d), "\"nothing\""), "%s", discover_last_error(d));
    ck_assert_int_eq(discover_set_dns(d, server.list, "a..b"), -EINVAL);
    ck_assert_msg(strstr(discover_last_error(d), "\"a..b\""), "%s", discover_last_error(d));
    ck_assert_int_eq(discover_set_dns(d, server.list, NULL), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(result(), DISCOVER_E_UNSYNCED);
    expect_query("payment.shop.discover.internal");
    end();
}
END_TEST

UNIT_TESTS("DNS environment", the_environment_sets_servers_and_zone, a_bad_environment_is_named_where_dns_is_needed)
