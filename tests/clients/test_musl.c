/* SPDX-License-Identifier: Apache-2.0 */
/*
 * musl's resolver (Alpine), with discoverd as its only server. Before musl 1.2.4 it knows neither EDNS nor
 * TCP: the addresses of a service must fit into 512 bytes, and not be marked as cut off.
 */
#include <string.h>

#include "tests/clients/machine.h"
#include "tests/clients/stage.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define FOLLOW_MS 10000

static struct stage s;
static struct output o;

static void begin(const char *services)
{
    static const struct change changes[] = {{"nameserver 192.0.2.53", "# "}, {0}};
    char path[512];

    machine_start();
    stage_example("examples/glibc/resolv.conf", changes, path, sizeof path);
    machine_file("/etc/resolv.conf", path);
    stage_start(&s, services, &(struct host_options){.dns_port = 53});
}

static bool says(const char *name, const char *what)
{
    (void)shell(&o, MUSL_LOOKUP " %s", name);
    o.out[strcspn(o.out, "\n")] = 0;
    return strcmp(o.out, what) == 0;
}

static bool payments(const char *what)
{
    return says("payment.shop.discover.internal", what);
}

START_TEST(follows)
{
    struct proc first;

    begin(NULL);
    (void)wait_until(FOLLOW_MS, payments("no such name"), o.out);
    stage_register(&s.a, &first, "p1", 1001, 1);
    (void)wait_until(FOLLOW_MS, payments("1"), o.out);
    ck_assert_msg(says("payment", "1"), "search list: %s", o.out);
    proc_kill(&first);
    (void)wait_until(FOLLOW_MS, payments("no such name"), o.out);
}
END_TEST

START_TEST(a_hundred)
{
    begin(stage_services(100, 1001));
    (void)wait_until(FOLLOW_MS, payments("20"), o.out);
}
END_TEST

START_TEST(without_nats)
{
    begin(stage_services(2, 1001));
    (void)wait_until(FOLLOW_MS, payments("2"), o.out);
    nats_server_kill(&s.nats, 0);
    holds_for(2000, payments("2"), o.out);
    stage_forget(&s);
    ck_assert_msg(payments("try again"), "%s", o.out);
    stage_remember(&s);
    (void)wait_until(FOLLOW_MS, payments("2"), o.out);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"follows", follows}, {"a_hundred", a_hundred}, {"without_nats", without_nats}};

    return machine_possible() ? e2e_main("musl", tests, sizeof tests / sizeof *tests, 60) : 77;
}
