/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nats-server is upgraded while the fleet uses it: from Debian 12's over Debian 13's to the newest one, on the same
 * files, with registrations that come and go all the time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/registry_server.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  5000 /* more than two leases of 2 s */
#define LOAD_MS  4000
#define STEP_MS  100
#define STOP_MS  20000

static struct nats nats;
static struct observe o;

/* Something changes every tenth of a second. */
static void load(void)
{
    int64_t until_ns = clock_now_ns() + LOAD_MS * NS_PER_MS;
    for (size_t i = 0; clock_now_ns() < until_ns; i++) {
        size_t instance = observe_register(&o, i % o.n_hosts);
        observe_for(&o, STEP_MS);
        if (i % 2)
            observe_deregister(&o, instance);
    }
}

static void upgrade_to(const char *program)
{
    ck_assert_int_eq(setenv("NATS_SERVER", program, 1), 0);
    (void)proc_stop(&nats.server[0].proc, STOP_MS);
    nats_server_launch(&nats, 0);
    load();
}

START_TEST(while_in_use)
{
    static const char *const suites[] = {"trixie", "sid"};
    char programs[2][512];
    for (size_t i = 0; i < 2; i++) {
        const char *program = registry_server_program(suites[i]);
        if (!program)
            return; /* said there */
        snprintf(programs[i], sizeof programs[i], "%s", program);
    }
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5});
    load();
    upgrade_to(programs[0]);
    upgrade_to(programs[1]);
    observe_end(&o, "nats-server upgraded twice under load, to 2.10 and to the newest, same files", AGREE_MS, HOLD_MS);
}
END_TEST

E2E_TESTS("upgrade", 200, {"while_in_use", while_in_use})
