/* SPDX-License-Identifier: Apache-2.0 */
/* Draining: by the program itself, and by an operator over whatever programs say, restarts included. */
#include <discover/discover.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"
#define OTHER   "shop/cart"

static struct nats nats;
static struct host a, b;
static struct proc holder;

/* On A: two instances of one service, one of the configuration and one held by a program; and another
 * service. */
static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"fixed\"; port = 1; },"
                                                      "{ name = \"shop/cart\"; instance = \"c\"; port = 2; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    ctl_start(&a, &holder, "holder", "register", SERVICE, "--port", "3", "--instance", "held", NULL);
    (void)wait_until(3000, seen_by_all(&b, SERVICE, 2) && seen_by_all(&b, OTHER, 1), b.seen);
}

static void everywhere(const char *service, int n)
{
    (void)wait_until(2000, seen_by_all(&a, service, n), a.seen);
    (void)wait_until(2000, seen_by_all(&b, service, n), b.seen);
}

static const char *status(void)
{
    static struct output o;
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
    return o.out;
}

START_TEST(a_service_an_instance_and_the_host)
{
    struct output o;
    two_hosts();
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "held", NULL), 0);
    everywhere(SERVICE, 1);
    ck_assert_ptr_nonnull(strstr(status(), "draining       shop/payment held"));
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, NULL), 3); /* not in these words */
    ck_assert_int_eq(ctl(&a, &o, "maintenance", "on", SERVICE, NULL), 0);
    everywhere(SERVICE, 0);
    ck_assert_int_eq(ctl(&a, &o, "maintenance", "off", SERVICE, NULL), 0);
    everywhere(SERVICE, 1);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "held", NULL), 0);
    everywhere(SERVICE, 2);
    ck_assert_int_eq(ctl(&a, &o, "drain", NULL), 0);
    ck_assert_ptr_nonnull(strstr(status(), "draining       this host"));
    everywhere(SERVICE, 0);
    everywhere(OTHER, 0);
    ck_assert_int_eq(ctl(&a, &o, "undrain", NULL), 0);
    everywhere(SERVICE, 2);
    everywhere(OTHER, 1);
    ck_assert_ptr_null(strstr(status(), "draining"));
    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/mistyped", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.err, "not on this host now"));
    ck_assert_int_eq(ctl(&a, &o, "maintenance", "maybe", NULL), 2);
    ck_assert_int_eq(ctl(&a, &o, "drain", "one", NULL), 2);
}
END_TEST

/* Whoever asks why is told, by status and by explain, and over a restart. */
START_TEST(with_a_reason)
{
    struct output o;
    two_hosts();
    int64_t began_ns = clock_now_ns();
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "fixed", "--reason", "new disk", "--grace", "300ms", NULL), 0);
    ck_assert_int_ge(clock_now_ns() - began_ns, 300 * NS_PER_MS);
    everywhere(SERVICE, 1);
    ck_assert_ptr_nonnull(strstr(status(), "draining       shop/payment fixed (new disk), by user "));
    host_kill(&a);
    host_run(&a);
    ck_assert_ptr_nonnull(strstr(status(), "draining       shop/payment fixed (new disk), by user "));
    ck_assert_int_eq(ctl(&a, &o, "explain", SERVICE, "fixed", NULL), 0);
    ck_assert_msg(strstr(o.out, "has set draining (new disk) for shop/payment fixed") != NULL, "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "--reason", "two\nlines", NULL), 1);
    ck_assert_ptr_nonnull(strstr(o.err, "reason: must be a line of UTF-8"));
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "fixed", "--reason", "done", NULL), 2);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "fixed", NULL), 0);
    everywhere(SERVICE, 2);
}
END_TEST

static bool b_says(const char *state)
{
    static struct output o;
    char text[64];
    snprintf(text, sizeof text, "its host a says %s", state);
    return ctl(&b, &o, "explain", SERVICE, "held", NULL) == 0 && strstr(o.out, text);
}

/* The daemon sees to the end of a grace, whatever becomes of the command, and of itself. */
START_TEST(a_grace_ends_in_maintenance)
{
    struct output o;
    struct proc waiting;
    two_hosts();
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "held", "--grace", "4s", "--no-wait", NULL), 0);
    (void)wait_until(2000, b_says("draining"), "not draining");
    ck_assert_ptr_nonnull(strstr(status(), "in maintenance in "));
    ck_assert_int_eq(ctl(&a, &o, "explain", SERVICE, "held", NULL), 0);
    ck_assert_msg(strstr(o.out, "s more, then maintenance"), "%s", o.out);
    host_kill(&a);
    host_run(&a);
    (void)wait_until(6000, b_says("maintenance"), "not in maintenance");
    ck_assert_ptr_nonnull(strstr(status(), "the grace is over"));
    ck_assert_int_eq(ctl(&a, &o, "explain", SERVICE, "held", NULL), 0);
    ck_assert_msg(strstr(o.out, "its grace is over: maintenance; `discoverctl undrain shop/payment held`"), "%s",
                  o.out);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "held", NULL), 0);
    everywhere(SERVICE, 2);
    ctl_start(&a, &waiting, "waiting", "drain", SERVICE, "held", "--grace", "1s", NULL);
    (void)wait_until(2000, seen_by_all(&b, SERVICE, 1), b.seen);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, "held", NULL), 0);
    ck_assert_int_eq(proc_wait(&waiting, 3000), 1);
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, "--no-wait", NULL), 2);
}
END_TEST

START_TEST(holds_over_a_new_registration_and_a_restart)
{
    struct output o;
    two_hosts();
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, NULL), 0);
    everywhere(SERVICE, 0);
    (void)proc_stop(&holder, 2000);
    (void)wait_until(2000, ctl(&b, &o, "list", NULL) == 0 && strstr(o.out, "0/1"), o.out);
    ctl_start(&a, &holder, "holder-again", "register", SERVICE, "--port", "3", "--instance", "held", NULL);
    (void)wait_until(2000, ctl(&b, &o, "list", NULL) == 0 && strstr(o.out, "0/2"), o.out);
    host_kill(&a);
    host_launch(&a);
    host_wait_up(&a);
    host_wait_live(&a);
    /* Also when the programs are back and what was inherited has gone: nobody sees it passing in between. */
    holds_for(1000, seen_by_dns(&b, SERVICE) == 0 && seen_by_dns(&a, SERVICE) == 0, b.seen);
    ck_assert_int_eq(ctl(&a, &o, "undrain", SERVICE, NULL), 0);
    everywhere(SERVICE, 2);
}
END_TEST

START_TEST(only_for_root_and_the_daemons_user)
{
    struct output o;
    if (geteuid() != 0)
        return;
    if (shell(&o, "setpriv --reuid 65534 --regid 65534 --clear-groups test -x %s", e2e_binary("discoverctl")) != 0) {
        printf("-- skipped: other users cannot reach %s\n", e2e_binary("discoverctl"));
        return;
    }
    two_hosts();
    ck_assert_int_eq(shell(&o, "chmod 755 %s %s && setpriv --reuid 65534 --regid 65534 --clear-groups %s -s %s drain",
                           e2e_folder(), a.folder, e2e_binary("discoverctl"), a.socket),
                     1);
    ck_assert_msg(strstr(o.err, "only root"), "%s", o.err);
    ck_assert_msg(seen_by_all(&a, SERVICE, 2), "%s", a.seen);
}
END_TEST

START_TEST(by_the_program_itself)
{
    struct discover_registration *one, *two;
    two_hosts();
    struct discover *d = host_lib(&a);
    ck_assert_int_eq(discover_registration_new(OTHER, 11, &one) | discover_registration_new(OTHER, 12, &two), 0);
    ck_assert_int_eq(discover_drain(d, one), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_register(d, one) | discover_register(d, two), 0);
    everywhere(OTHER, 3);
    ck_assert_int_eq(discover_drain(d, one), 0);
    everywhere(OTHER, 2);
    discover_registration_free(one);
    discover_registration_free(two);
    ck_assert_int_eq(discover_drain(d, NULL), 0); /* the handle knows what is registered */
    everywhere(OTHER, 1);
}
END_TEST

static void let_write(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(prlimit(a.proc.pid, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(prlimit(a.proc.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* What was said to be done is still so after a restart; what cannot be, is refused and changes nothing. */
START_TEST(what_cannot_be_stored_is_refused)
{
    struct output o;
    two_hosts();
    ck_assert_int_eq(ctl(&a, &o, "maintenance", "on", OTHER, NULL), 0);
    everywhere(OTHER, 0);
    let_write(0);
    ck_assert_int_eq(ctl(&a, &o, "drain", NULL), 1);
    ck_assert_msg(strstr(o.err, a.state_dir) && strstr(o.err, "File too large"), "%s", o.err);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/ttl", "--port", "9", "--ttl", "1m", NULL), 1);
    ck_assert_msg(strstr(o.err, a.state_dir), "%s", o.err);
    ck_assert_ptr_nonnull(strstr(status(), "not stored     "));
    ck_assert_msg(seen_by_all(&a, SERVICE, 2), "%s", a.seen);
    let_write(RLIM_INFINITY);
    (void)wait_until(5000, !strstr(status(), "not stored"), "still not stored");
    ck_assert_int_eq(ctl(&a, &o, "drain", SERVICE, NULL), 0);
    host_kill(&a);
    host_run(&a);
    everywhere(SERVICE, 0);
    everywhere(OTHER, 0);
}
END_TEST

E2E_TESTS("drain", 60, {"a_service_an_instance_and_the_host", a_service_an_instance_and_the_host},
          {"with_a_reason", with_a_reason}, {"a_grace_ends_in_maintenance", a_grace_ends_in_maintenance},
          {"holds_over_a_new_registration_and_a_restart", holds_over_a_new_registration_and_a_restart},
          {"only_for_root_and_the_daemons_user", only_for_root_and_the_daemons_user},
          {"by_the_program_itself", by_the_program_itself},
          {"what_cannot_be_stored_is_refused", what_cannot_be_stored_is_refused})
