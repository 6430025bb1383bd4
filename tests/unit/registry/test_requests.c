/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over the socket reach the agent, what they leave behind is seen to, and refusals say why. */
#include "daemon/registry/requests.h"

#include "daemon/registry/configured.h"
#include "tests/unit/api/client.h"

static struct config *config;
static struct catalog *catalog;
static struct hostname_addresses *hostnames;
static struct checking *checking;
static struct requests *requests;
static size_t turns;
static bool leaving;

static void on_turn(void *arg)
{
    (void)arg;
    turns++;
}

static void on_leave(void *arg)
{
    (void)arg;
    leaving = true;
}

static bool on_is_leaving(void *arg)
{
    (void)arg;
    return leaving;
}

static const char *on_store_error(void *arg)
{
    (void)arg;
    return "state_dir x: disk full";
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void begin(void)
{
    server_prepare();
    turns = 0;
    leaving = false;
    ck_assert_int_eq(config_defaults(&config), 0);
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_set(config, "api.socket", s.path, why), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(hostname_addresses_new(s.base, config, catalog, s.metrics, on_turn, NULL, &hostnames), 0);
    const struct checking_reach with = {
        .base = s.base, .metrics = s.metrics, .config = config, .registrar = agent_registrar(s.agent), .turn = on_turn};
    ck_assert_int_eq(checking_new(&with, &checking), 0);
    const struct requests_reach reach = {.base = s.base,
                                         .metrics = s.metrics,
                                         .config = config,
                                         .catalog = catalog,
                                         .agent = s.agent,
                                         .checking = checking,
                                         .hostnames = hostnames,
                                         .turn = on_turn,
                                         .is_leaving = on_is_leaving,
                                         .store_error = on_store_error,
                                         .daemon = {.status = server_status, .leave = on_leave}};
    ck_assert_int_eq(requests_new(&reach, &requests), 0);
}

static void end(void)
{
    requests_free(requests);
    checking_free(checking);
    hostname_addresses_free(hostnames);
    catalog_free(catalog);
    config_free(config);
    s.api = NULL;
    server_stop();
}

static uint32_t registrations(void)
{
    return agent_status(s.agent).registrations;
}

/* Until the server has noticed that the other end has closed. */
static void settle(void)
{
    for (int i = 0; i < 10; i++)
        turn();
}

START_TEST(a_registration_goes_with_the_connection_that_made_it)
{
    begin();
    struct test_client c = dial_and_greet();
    send_register(&c, "shop/payment", "a", 80, 0, 0);
    expect_registered(&c, "a");
    ck_assert_uint_eq(registrations(), 1);
    ck_assert_uint_gt(turns, 0);
    hang_up(&c);
    settle();
    ck_assert_uint_eq(registrations(), 0);
    end();
}
END_TEST

START_TEST(it_stays_when_the_daemon_closes_the_connection_or_the_host_leaves)
{
    begin();
    struct test_client c = dial_and_greet(), other = dial_and_greet();
    send_register(&c, "shop/payment", "a", 80, 0, 0);
    expect_registered(&c, "a");
    send_register(&other, "shop/payment", "b", 81, 0, 0);
    expect_registered(&other, "b");
    leaving = true; /* the good-bye sees to it */
    hang_up(&c);
    settle();
    ck_assert_uint_eq(registrations(), 2);
    leaving = false;
    requests_free(requests); /* a restart: the next life finds it on disk */
    requests = NULL;
    ck_assert_uint_eq(registrations(), 2);
    hang_up(&other);
    end();
}
END_TEST

UNIT_TESTS("requests", a_registration_goes_with_the_connection_that_made_it,
           it_stays_when_the_daemon_closes_the_connection_or_the_host_leaves)
