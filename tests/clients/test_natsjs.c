/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nats.js under examples/nats/registry.conf, as those who are no hosts: a program that registers itself with the very
 * examples/nats/register.mjs, a dashboard that reads, an operator. None of them can do more than its account says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/registry_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define MODULES BUILD_DIR "/packages/natsjs"

static struct registry_server r;
static struct host web1;
static struct output o;

static void begin(void)
{
    registry_server_start(&r);
    registry_server_host(&r, &web1, "web-1");
    /* node looks for packages beside a script */
    ck_assert_msg(shell(&o,
                        "cp %s/examples/nats/register.mjs %s/tests/clients/natsjs.mjs %s && ln -s %s/node_modules %s",
                        SOURCE_DIR, SOURCE_DIR, e2e_folder(), MODULES, e2e_folder()) == 0,
                  "%s", o.err);
}

static void as(const char *kind, const char *user)
{
    ck_assert_msg(
        shell(&o, "node %s/natsjs.mjs %s %s %s %s-secret", e2e_folder(), r.nats.server[0].url, kind, user, user) == 0,
        "%s: %s%s", kind, o.out, o.err);
}

START_TEST(writer_reader_and_operator)
{
    begin();
    as("writer", "batch");
    (void)wait_until(5000, seen_by_all(&web1, "shop/report", 1), web1.seen);
    as("reader", "grafana");
    as("operator", "admin");
    (void)wait_until(5000, seen_by_all(&web1, "shop/report", 0), web1.seen);
}
END_TEST

/* As `nats service` and all clients find micro services: by name in a fleet that trusts itself, else each by its own. */
START_TEST(tools_for_micro_services)
{
    static struct nats nats;
    static struct host web2;
    begin();
    ck_assert_msg(shell(&o, "node %s/natsjs.mjs %s tools ops ops-secret ''", e2e_folder(), r.nats.server[0].url) == 0,
                  "%s%s", o.out, o.err);
    host_stop(&web1);
    nats_start(&nats, 1);
    host_start(&web1, &(struct host_options){.name = "one", .host = "web-1", .nats = nats.urls});
    host_start(&web2, &(struct host_options){.name = "two", .host = "web-2", .nats = nats.urls});
    ck_assert_msg(shell(&o, "node %s/natsjs.mjs %s tools '' '' web-1,web-2", e2e_folder(), nats.server[0].url) == 0,
                  "%s%s", o.out, o.err);
}
END_TEST

/* Where the server can ask several accounts the same, those that are apart as well. */
START_TEST(tools_find_all_accounts)
{
    static struct host web2;
    r.program = registry_server_program("sid");
    if (!r.program)
        return;
    begin();
    ck_assert_msg(shell(&o, "PATH=$(dirname %s):$PATH %s/examples/nats/accounts --together --reload %d %s %s",
                        r.program, SOURCE_DIR, (int)r.nats.server[0].proc.pid, r.config, r.list) == 0,
                  "%s", o.err);
    registry_server_host(&r, &web2, "web-2");
    ck_assert_msg(
        shell(&o, "node %s/natsjs.mjs %s tools ops ops-secret web-1,web-2", e2e_folder(), r.nats.server[0].url) == 0,
        "%s%s", o.out, o.err);
}
END_TEST

START_TEST(a_program_registers_itself)
{
    struct proc program;
    char script[512];
    begin();
    snprintf(script, sizeof script, "%s/register.mjs", e2e_folder());
    proc_start(&program, "register.mjs",
               (const char *const[]){"node", script, r.nats.server[0].url, "batch", "shop.report.batch.r1", "10.0.1.22",
                                     "8080", NULL},
               (const char *const[]){"NATS_PASSWORD=batch-secret", NULL});
    (void)wait_until(10000, seen_by_all(&web1, "shop/report", 1), web1.seen);
    ck_assert_int_eq(ctl(&web1, &o, "resolve", "shop/report", NULL), 0);
    ck_assert_msg(strstr(o.out, "10.0.1.22:8080"), "%s", o.out);
    ck_assert_int_eq(proc_stop(&program, 5000), 0);
    (void)wait_until(5000, seen_by_all(&web1, "shop/report", 0), web1.seen);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"writer_reader_and_operator", writer_reader_and_operator},
                                     {"tools_for_micro_services", tools_for_micro_services},
                                     {"tools_find_all_accounts", tools_find_all_accounts},
                                     {"a_program_registers_itself", a_program_registers_itself}};
    char command[1024];
    snprintf(command, sizeof command, "%s/tests/clients/fetch-natsjs %s/packages >&2", SOURCE_DIR, BUILD_DIR);
    if (system(command) != 0) {
        printf("-- skipped: nats.js cannot be had\n");
        return 77;
    }
    return e2e_main("natsjs", tests, sizeof tests / sizeof *tests, 60);
}
