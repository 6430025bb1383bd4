/* SPDX-License-Identifier: Apache-2.0 */
/* A discoverd is killed, and comes back within its lease or later. */
#include <discover/discover.h>
#include <signal.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  9000 /* more than two leases of 4 s */

static struct nats nats;
static struct observe o;

static void start(void)
{
    observe_start_four(&o, &nats, (struct observe_options){0});
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

static struct discover *program;
static atomic_bool heart_stopped;

static void *beat(void *arg)
{
    observe_heartbeats(&o, 0, program, &heart_stopped);
    return arg;
}

static void hold_some_by_ttl(void)
{
    ck_assert_int_eq(discover_new(&program), 0);
    ck_assert_int_eq(discover_set_socket(program, o.at[0].host.socket), 0);
    ck_assert_int_ge(discover_start(program), 0);
    for (size_t i = 0; i < 5; i++)
        (void)observe_register_ttl(&o, 0, program, 2000);
}

/* Longer than its own lease and the TTLs of what it holds: heartbeats come in time all along, into its socket. */
START_TEST(stopped_for_a_while)
{
    pthread_t heart;

    start();
    hold_some_by_ttl();
    ck_assert_int_eq(pthread_create(&heart, NULL, beat, NULL), 0);
    observe_acknowledged(&o, 0);
    observe_excuse(&o, 0,
                   OBSERVE_EVERYONE & ~1u); /* the others are right to let it go; it must keep them, and itself */
    proc_signal(&o.at[0].host.proc, SIGSTOP);
    observe_for(&o, 8000);
    proc_signal(&o.at[0].host.proc, SIGCONT);
    observe_over(&o);
    (void)wait_until(AGREE_MS, observe_all_agree(&o), observe_text(&o));
    observe_excuse(&o, 0, 0);
    observe_end(&o, "daemon stopped for 8 s, lease 4 s, TTLs of 2 s", AGREE_MS, HOLD_MS);
    atomic_store(&heart_stopped, true);
    pthread_join(heart, NULL);
    discover_free(program);
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
          {"within_its_lease", within_its_lease}, {"after_its_lease", after_its_lease},
          {"stopped_for_a_while", stopped_for_a_while})
