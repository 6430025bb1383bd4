/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The previous release and this one together: daemons on one registry, libraries and command lines with the other's daemon,
 * an upgrade and the way back in place. Everything is looked up through DNS, the library and discoverctl.
 */
#include <discover/discover.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"
#define SERVICES                                                                                                       \
    "{ name = \"shop/payment\"; instance = \"fixed\"; port = 1; tags = [\"blue\"]; meta = { version = \"1\"; }; }"

enum release { PREVIOUS, THIS };

static struct nats nats;
static struct host a, b;
static char previous_bin[512];

/* Which release is started from here on. */
static void use(enum release release)
{
    if (!previous_bin[0]) {
        struct output o;
        if (shell(&o, "%s/tests/support/previous-release %s", SOURCES_DIR, BUILD_DIR) != 0) {
            printf("-- skipped: %s%s", o.out, o.err);
            exit(77);
        }
        snprintf(previous_bin, sizeof previous_bin, "%.*s", (int)strcspn(o.out, "\n"), o.out);
    }
    if (release == PREVIOUS)
        setenv("DISCOVER_BIN_DIR", previous_bin, 1);
    else
        unsetenv("DISCOVER_BIN_DIR");
}

static void start(struct host *h, const char *name, enum release release, const char *services)
{
    use(release);
    host_start(h, &(struct host_options){.name = name, .nats = nats.urls, .services = services});
}

static void restart(struct host *h, enum release release)
{
    host_stop(h);
    use(release);
    host_run(h);
}

static void everywhere(int n)
{
    (void)wait_until(5000, seen_by_all(&a, SERVICE, n), a.seen);
    (void)wait_until(5000, seen_by_all(&b, SERVICE, n), b.seen);
}

/* What each learns of the other's instance, word for word: tags, meta, state. */
static void expect_all_facts(struct host *h)
{
    struct output o;
    ck_assert_int_eq(ctl(h, &o, "resolve", SERVICE, "--tag", "blue", NULL), 0);
    ck_assert_msg(strstr(o.out, ":1 1 passing a/fixed"), "%s", o.out);
}

/* On hosts of two releases, whichever is which: registered, drained, back, killed and left, seen on both. */
static void lives(enum release on_a, enum release on_b)
{
    struct proc held;
    struct output o;

    nats_start(&nats, 1);
    start(&a, "a", on_a, SERVICES);
    start(&b, "b", on_b, NULL);
    everywhere(1);
    use(on_b);
    expect_all_facts(&b);
    ctl_start(&b, &held, "held", "register", SERVICE, "--port", "2", "--instance", "held", NULL);
    everywhere(2);
    use(on_a);
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "fixed", NULL), 0);
    everywhere(1);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "fixed", NULL), 0);
    everywhere(2);
    proc_kill(&held);
    everywhere(1);
    host_leave(&a);
    (void)wait_until(5000, seen_by_all(&b, SERVICE, 0), b.seen);
}

START_TEST(a_fleet_of_both)
{
    lives(PREVIOUS, THIS);
}
END_TEST

START_TEST(a_fleet_of_both_the_other_way_round)
{
    lives(THIS, PREVIOUS);
}
END_TEST

/* What was registered with the one is there with the other, and nobody elsewhere sees it go in between. */
START_TEST(upgraded_in_place_and_back)
{
    struct output o;

    nats_start(&nats, 1);
    start(&b, "b", THIS, NULL);
    start(&a, "a", PREVIOUS, SERVICES);
    ck_assert_int_eq(ctl(&a, &o, "register", SERVICE, "--port", "3", "--instance", "timed", "--ttl", "60s", NULL), 0);
    everywhere(2);
    for (int round = 0; round < 2; round++) {
        restart(&a, round ? PREVIOUS : THIS);
        holds_for(1500, seen_by_dns(&b, SERVICE) == 2, b.seen);
        everywhere(2);
    }
}
END_TEST

/* Without NATS, a daemon serves what the other release has stored. */
START_TEST(reads_what_the_other_stored)
{
    nats_start(&nats, 1);
    start(&b, "b", THIS, SERVICES);
    for (int round = 0; round < 2; round++) {
        enum release before = round ? THIS : PREVIOUS, after = round ? PREVIOUS : THIS;
        if (round)
            nats_server_launch(&nats, 0);
        use(before);
        if (round)
            host_run(&a);
        else
            start(&a, "a", before, NULL);
        nats_wait_ready(&nats);
        (void)wait_until(15000, seen_by_all(&a, SERVICE, 1), a.seen);
        host_stop(&a);
        nats_server_kill(&nats, 0);
        use(after);
        host_run_offline(&a);
        (void)wait_until(5000, seen_by_all(&a, SERVICE, 1), a.seen);
        host_stop(&a);
    }
}
END_TEST

/* The programs of one release with the daemon of the other; this release's library is linked into this test. */
static void programs_of_with_daemon_of(enum release programs, enum release daemon)
{
    struct output o;
    struct proc held, watching;

    nats_start(&nats, 1);
    start(&a, "a", daemon, SERVICES);
    use(programs);
    ctl_start(&a, &watching, "watching", "watch", SERVICE, NULL);
    ctl_start(&a, &held, "held", "register", SERVICE, "--port", "2", "--instance", "held", "--tag", "green", NULL);
    (void)wait_until(5000, ctl(&a, &o, "resolve", SERVICE, NULL) == 0 && strstr(o.out, "a/held"), o.out);
    expect_all_facts(&a);
    ck_assert_int_eq(ctl(&a, &o, "list", NULL), 0);
    ck_assert_msg(strstr(o.out, SERVICE), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "hosts", NULL), 0);
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "held", NULL), 0);
    (void)wait_until(3000, ctl(&a, &o, "resolve", SERVICE, NULL) == 0 && !strstr(o.out, "a/held"), o.out);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "held", NULL), 0);
    (void)wait_until(3000, ctl(&a, &o, "resolve", SERVICE, NULL) == 0 && strstr(o.out, "a/held"), o.out);

    /* The daemon comes back as the other release: the programs that were connected go on, and register again. */
    restart(&a, daemon == THIS ? PREVIOUS : THIS);
    use(programs);
    (void)wait_until(5000, ctl(&a, &o, "resolve", SERVICE, NULL) == 0 && strstr(o.out, "a/held"), o.out);
    ck_assert(proc_running(&held) && proc_running(&watching));
}

START_TEST(previous_programs_with_this_daemon)
{
    programs_of_with_daemon_of(PREVIOUS, THIS);
}
END_TEST

START_TEST(these_programs_with_the_previous_daemon)
{
    programs_of_with_daemon_of(THIS, PREVIOUS);
}
END_TEST

E2E_TESTS("skew", 60, {"a_fleet_of_both", a_fleet_of_both},
          {"a_fleet_of_both_the_other_way_round", a_fleet_of_both_the_other_way_round},
          {"upgraded_in_place_and_back", upgraded_in_place_and_back},
          {"reads_what_the_other_stored", reads_what_the_other_stored},
          {"previous_programs_with_this_daemon", previous_programs_with_this_daemon},
          {"these_programs_with_the_previous_daemon", these_programs_with_the_previous_daemon})
