/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that run under "discoverctl register ... -- COMMAND": how they start, are drained, restarted and end. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static struct output o;

static void start_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
}

static void wrap(struct proc *p, const char *name, const char *port, const char *script)
{
    ctl_start(&a, p, name, "register", "shop/app", "--port", port, "--instance", "i", "--drain", "2s", "--", "sh", "-c",
              script, NULL);
}

/* Whether a file of the test's folder is there: the command has made it. */
static bool made(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    return access(path, F_OK) == 0;
}

static bool found_at(struct host *h, const char *port)
{
    char text[16];
    snprintf(text, sizeof text, ":%s ", port);
    return ctl(h, &o, "resolve", "shop/app", NULL) == 0 && strstr(o.out, text);
}

/* Others have stopped calling before the service knows that it is to end. */
START_TEST(drained_everywhere_before_it_is_reported)
{
    struct proc wrapper;
    char script[400];

    start_hosts();
    snprintf(script, sizeof script, "trap 'touch %s/told; exit 0' TERM; touch %s/up; while :; do sleep 0.02; done",
             e2e_folder(), e2e_folder());
    wrap(&wrapper, "wrapper", "81", script);
    (void)wait_until(5000, made("up") && found_at(&b, "81"), o.err);
    proc_signal(&wrapper, SIGTERM);
    (void)wait_until(5000, ctl(&b, &o, "resolve", "shop/app", NULL) == 3 || made("told"), o.out);
    ck_assert_msg(!made("told"), "told to end while others still looked it up");
    ck_assert_int_eq(proc_wait(&wrapper, 5000), 0);
    ck_assert(made("told"));
}
END_TEST

/* A service is not down for want of a registry, and is registered when there is one. */
START_TEST(runs_without_a_daemon)
{
    struct proc wrapper;
    char script[400];

    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls});
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/app", "--port", "81", "--require", "--", "true", NULL), 4);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/app", "--port", "81", "--", "sh", "-c", "exit 7", NULL), 7);
    snprintf(script, sizeof script, "touch %s/up; exec sleep 60", e2e_folder());
    wrap(&wrapper, "wrapper", "81", script);
    (void)wait_until(5000, made("up"), "the command");
    host_run(&a);
    (void)wait_until(10000, found_at(&a, "81"), o.err);
    ck_assert_int_eq(proc_stop(&wrapper, 5000), 128 + SIGTERM);
}
END_TEST

/* The new process has the name from its start on, and the old one's end does not take it away. */
START_TEST(a_rolling_restart_hands_the_name_over)
{
    struct proc old, new;

    start_hosts();
    wrap(&old, "old", "81", "exec sleep 60");
    (void)wait_until(5000, found_at(&b, "81"), o.err);
    wrap(&new, "new", "82", "exec sleep 60");
    (void)wait_until(5000, found_at(&b, "82"), o.err);
    proc_signal(&old, SIGTERM);
    while (proc_running(&old))
        ck_assert_msg(found_at(&b, "82"), "%s%s", o.out, o.err);
    holds_for(300, found_at(&b, "82"), o.err);
    ck_assert_int_eq(proc_stop(&new, 5000), 128 + SIGTERM);
    (void)wait_until(5000, ctl(&b, &o, "resolve", "shop/app", NULL) == 3, o.out);
}
END_TEST

E2E_TESTS("wrapper", 60, {"drained_everywhere_before_it_is_reported", drained_everywhere_before_it_is_reported},
          {"runs_without_a_daemon", runs_without_a_daemon},
          {"a_rolling_restart_hands_the_name_over", a_rolling_restart_hands_the_name_over})
