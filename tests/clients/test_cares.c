/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares (curl, Node, gRPC and many more): SRV and addresses, straight from discoverd's port. */
#include <ares.h>
#include <check.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

#include "tests/clients/stage.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define FOLLOW_MS 10000

static struct stage s;
static ares_channel channel;
static char seen[256];

static void close_channel(void *arg)
{
    (void)arg;
    ares_destroy(channel);
    ares_library_cleanup();
}

static void begin(const char *services)
{
    struct ares_options options = {.timeout = 1000, .tries = 2};

    stage_start(&s, services, NULL);
    ck_assert_int_eq(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);
    ck_assert_int_eq(ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES), ARES_SUCCESS);
    ck_assert_int_eq(ares_set_servers_ports_csv(channel, stage_endpoint(s.b.dns_port)), ARES_SUCCESS);
    e2e_at_end(close_channel, NULL);
}

static void run_channel(void)
{
    fd_set readable, writable;
    struct timeval most = {1, 0}, wait;

    for (int n;;) {
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        if ((n = ares_fds(channel, &readable, &writable)) == 0)
            return;
        ck_assert_int_ge(select(n, &readable, &writable, NULL, ares_timeout(channel, &most, &wait)), 0);
        ares_process(channel, &readable, &writable);
    }
}

/* What came out: a number of records, or one of ARES_E..., negative. */
static void on_srv(void *arg, int status, int timeouts, unsigned char *answer, int length)
{
    struct ares_srv_reply *list = NULL;
    int *ret_n = arg;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(answer, length, &list);
    *ret_n = -status;
    for (struct ares_srv_reply *i = list; i; i = i->next)
        (*ret_n)++;
    ares_free_data(list);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
    int *ret_n = arg;

    (void)timeouts;
    *ret_n = -status;
    for (struct ares_addrinfo_node *i = list ? list->nodes : NULL; i; i = i->ai_next)
        (*ret_n)++;
    if (list)
        ares_freeaddrinfo(list);
}

static int payments(void)
{
    int n = 0;

    ares_query(channel, "_payment._tcp.shop.discover.internal", 1, 33, on_srv, &n);
    run_channel();
    snprintf(seen, sizeof seen, "%d records, %s", n, n < 0 ? ares_strerror(-n) : "no error");
    return n;
}

static int addresses(void)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC};
    int n = 0;

    ares_getaddrinfo(channel, "payment.shop.discover.internal", NULL, &hints, on_addresses, &n);
    run_channel();
    return n;
}

START_TEST(follows)
{
    struct proc first, second;

    begin(NULL);
    (void)wait_until(FOLLOW_MS, payments() == -ARES_ENOTFOUND, seen);
    stage_register(&s.a, &first, "p1", 1001, 1);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
    ck_assert_int_eq(addresses(), 1);
    stage_register(&s.b, &second, "p2", 1002, 1);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    proc_kill(&first);
    (void)wait_until(FOLLOW_MS, payments() == 1, seen);
}
END_TEST

/* It asks again by TCP for what does not fit. */
START_TEST(sixty)
{
    begin(stage_services(60, 1001));
    (void)wait_until(FOLLOW_MS, payments() == 60, seen);
    ck_assert_int_gt(addresses(), 1);
}
END_TEST

START_TEST(without_nats)
{
    begin(stage_services(2, 1001));
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
    nats_server_kill(&s.nats, 0);
    holds_for(2000, payments() == 2, seen);
    stage_forget(&s);
    int error = -payments(); /* it says "server failure" or "no server", but never that nobody is there */
    ck_assert_msg(error > 0 && error != ARES_ENOTFOUND && error != ARES_ENODATA, "%s", seen);
    stage_remember(&s);
    (void)wait_until(FOLLOW_MS, payments() == 2, seen);
}
END_TEST

E2E_TESTS("c-ares", 60, {"follows", follows}, {"sixty", sixty}, {"without_nats", without_nats})
