/* SPDX-License-Identifier: Apache-2.0 */
/* A discoverd that leaves takes its instances along at once; one that is killed, when its lease is over; one that
 * comes back within the lease is not missed by anybody. */
#include <signal.h>
#include <stdio.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE_MS 3000

static struct nats nats;
static struct host a, b;
static struct proc holder;

/* On A: one service from the configuration, one held by a program. Both are there for B. */
static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .lease_ttl = "3s",
                                          .services = "{ name = \"shop/fixed\"; instance = \"f1\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "3s"});
    ctl_start(&a, &holder, "holder", "register", "shop/held", "--port", "2", "--instance", "h1", NULL);
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", 1) && seen_by_all(&b, "shop/held", 1), b.seen);
}

/* B's answers to both names by DNS and libdiscover; cheap enough to be asked all the time. */
static bool b_sees(int n)
{
    return seen_by_dns(&b, "shop/fixed") == n && seen_by_dns(&b, "shop/held") == n &&
           seen_by_lib(&b, "shop/fixed") == n && seen_by_lib(&b, "shop/held") == n;
}

START_TEST(asked_to_leave)
{
    two_hosts();
    int64_t asked_ns = clock_now_ns();
    host_leave(&a);
    (void)wait_until(1000, b_sees(0), b.seen);
    measured("discoverctl leave, the instances of the host gone on the other host", clock_now_ns() - asked_ns);
    ck_assert_int_eq(ctl(&a, &(struct output){0}, "leave", NULL), 4); /* there is no daemon any more */
}
END_TEST

START_TEST(leaves_when_stopped_if_told_so)
{
    char command[600];
    struct output o;
    two_hosts();
    snprintf(command, sizeof command, "sed -i 's/^registry = {/& on_stop = \"leave\";/' %s", a.config);
    ck_assert_int_eq(shell(&o, "%s", command), 0);
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(3000, shell(&o, "grep -q 'configuration reloaded' %s/discoverd-a.log", e2e_folder()) == 0,
                     "not reloaded");
    host_stop(&a);
    (void)wait_until(1000, b_sees(0), b.seen);
}
END_TEST

START_TEST(leaves_without_nats)
{
    struct output o;
    two_hosts();
    nats_server_kill(&nats, 0);
    ck_assert_int_eq(ctl(&a, &o, "leave", NULL), 1);
    ck_assert_msg(strstr(o.err, "when the lease runs out"), "%s", o.err);
    ck_assert_int_eq(proc_wait(&a.proc, 1000), 0);
}
END_TEST

/* Its services go on, so its lease does: the whole of it from when it was told. */
START_TEST(stopped)
{
    two_hosts();
    host_stop(&a);
    holds_for(LEASE_MS - 500, b_sees(1), b.seen);
    (void)wait_until(2000, b_sees(0), b.seen);
}
END_TEST

START_TEST(restarted_while_it_is_asked)
{
    two_hosts();
    for (int i = 0; i < 3; i++) {
        host_stop(&a);
        holds_for(LEASE_MS / 6, b_sees(1), b.seen);
        host_launch(&a);
        host_wait_live(&a); /* before that it could not renew its lease when it is stopped again */
        (void)wait_until(3000, seen_by_all(&a, "shop/held", 1), a.seen);
    }
    holds_for(3 * LEASE_MS, b_sees(1), b.seen);
    ck_assert_msg(seen_by_all(&a, "shop/fixed", 1) && seen_by_all(&a, "shop/held", 1), "%s", a.seen);
}
END_TEST

START_TEST(killed)
{
    two_hosts();
    host_kill(&a);
    /* The lease was renewed at most a third of its time (and the jitter) before the kill. */
    holds_for(LEASE_MS / 2, b_sees(1), b.seen);
    int64_t more_ns = wait_until(LEASE_MS / 2 + 1000, b_sees(0), b.seen);
    measured("kill -9 of a daemon with a lease of 3 s, its instances gone on the other host",
             LEASE_MS / 2 * NS_PER_MS + more_ns);
}
END_TEST

START_TEST(killed_and_restarted_within_the_lease)
{
    two_hosts();
    host_kill(&a);
    holds_for(LEASE_MS / 6, b_sees(1), b.seen);
    host_launch(&a);
    /* Long enough for the old lease to run out and for the new epoch to be all that counts. */
    holds_for(3 * LEASE_MS, b_sees(1), b.seen);
    ck_assert_msg(seen_by_all(&a, "shop/fixed", 1) && seen_by_all(&a, "shop/held", 1), "%s", a.seen);
}
END_TEST

START_TEST(killed_together_with_what_it_held)
{
    two_hosts();
    host_kill(&a);
    proc_kill(&holder);
    host_launch(&a);
    /* Nobody registers it again: it has to go once the new life vouches for its own records only. */
    (void)wait_until(3 * LEASE_MS, seen_by_all(&b, "shop/held", 0), b.seen);
    ck_assert_msg(seen_by_all(&b, "shop/fixed", 1), "%s", b.seen);
}
END_TEST

START_TEST(the_other_daemon_is_restarted)
{
    two_hosts();
    host_kill(&b);
    ck_assert_msg(seen_by_lib(&b, "shop/held") == 1, "a reader keeps its last table: %s", b.seen);
    host_launch(&b);
    host_wait_up(&b);
    host_wait_live(&b);
    ck_assert_msg(seen_by_all(&b, "shop/held", 1) && seen_by_all(&b, "shop/fixed", 1), "%s", b.seen);
}
END_TEST

E2E_TESTS("daemon death", 60, {"asked_to_leave", asked_to_leave},
          {"leaves_when_stopped_if_told_so", leaves_when_stopped_if_told_so},
          {"leaves_without_nats", leaves_without_nats}, {"stopped", stopped},
          {"restarted_while_it_is_asked", restarted_while_it_is_asked}, {"killed", killed},
          {"killed_and_restarted_within_the_lease", killed_and_restarted_within_the_lease},
          {"killed_together_with_what_it_held", killed_together_with_what_it_held},
          {"the_other_daemon_is_restarted", the_other_daemon_is_restarted})
