/* SPDX-License-Identifier: Apache-2.0 */
/* A discoverd is killed, and comes back within its lease or later. */
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  9000 /* more than two leases of 4 s */

static struct nats nats;
static struct observe o;

static void start(void)
{
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "4s"});
    for (size_t i = 0; i < 5; i++) /* held by this process, which registers them again */
        (void)observe_register(&o, 0);
    observe_acknowledged(&o, 0);
    (void)wait_until(5000, observe_all_agree(&o), observe_text(&o));
}

static void kill_first(void)
{
    observe_set_watched(&o, 0, false);
    host_kill(&o.at[0].host);
}

static void start_first_again(void)
{
    observe_over(&o);
    host_launch(&o.at[0].host);
    host_wait_live(&o.at[0].host);
    observe_set_watched(&o, 0, true);
}

START_TEST(within_its_lease)
{
    start();
    kill_first();
    observe_for(&o, 500);
    start_first_again();
    observe_end(&o, "daemon killed and restarted within its lease", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(after_its_lease)
{
    start();
    observe_excuse(&o, 0, OBSERVE_EVERYONE);
    kill_first();
    (void)wait_until(7000, observe_count(&o, 1, 0) == 0, observe_text(&o));
    observe_for(&o, 1000);
    observe_excuse(&o, 0, 0);
    start_first_again();
    observe_end(&o, "daemon killed and restarted after its lease", AGREE_MS, HOLD_MS);
}
END_TEST

/* Registrations come and go meanwhile, and every answer is looked at all the time. */
START_TEST(stopped_and_started)
{
    start();
    for (int i = 0; i < 10; i++) {
        observe_change(&o);
        observe_set_watched(&o, 0, false);
        host_stop(&o.at[0].host);
        observe_for(&o, 200);
        start_first_again();
    }
    observe_change(&o);
    observe_end(&o, "daemon stopped by SIGTERM and started, ten times, under load", AGREE_MS, HOLD_MS);
}
END_TEST

E2E_TESTS("faults of a daemon", 120, {"stopped_and_started", stopped_and_started},
          {"within_its_lease", within_its_lease}, {"after_its_lease", after_its_lease})
