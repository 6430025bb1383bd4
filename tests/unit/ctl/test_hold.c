/* SPDX-License-Identifier: Apache-2.0 */
/* Commands under a registration: their exit status and their signals are as without it. */
#include "daemon/ctl/hold.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

/* A handle that never finds a daemon: holding goes on regardless. */
static struct discover *new_handle(void)
{
    struct discover *d;
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_socket(d, "/nonexistent/sock"), 0);
    ck_assert_int_eq(discover_start(d), 0);
    return d;
}

/* Runs a command of the shell; tells the test's own process that signal first, if it is not 0. */
static int hold_shell(const char *script, int signal)
{
    char *command[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    struct discover *d = new_handle();
    struct hold h;
    pid_t child = 0;
    ck_assert_int_eq(hold_init(&h), 0);
    if (script)
        ck_assert_int_eq(hold_start(&h, command, &child), 0);
    if (signal)
        ck_assert_int_eq(kill(getpid(), signal), 0);
    int status = hold_run(&h, d, child);
    hold_fini(&h);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &h.old, NULL), 0); /* unlike a program, a test goes on */
    discover_free(d);
    return status;
}

START_TEST(exit_status_is_passed_on)
{
    ck_assert_int_eq(hold_shell("exit 0", 0), 0);
    ck_assert_int_eq(hold_shell("exit 42", 0), 42);
    ck_assert_int_eq(hold_shell("kill -9 $$", 0), 128 + SIGKILL);
}
END_TEST

START_TEST(signals_are_passed_on)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)signal(signals[i], SIG_DFL); /* whoever runs the tests in the background has SIGINT ignored */
        ck_assert_int_eq(hold_shell("exec sleep 30", signals[i]), 128 + signals[i]);
    }
}
END_TEST

START_TEST(command_has_its_own_way_with_signals)
{
    ck_assert_int_eq(hold_shell("kill -TERM $$; exit 1", 0), 128 + SIGTERM); /* nothing is blocked in it */
}
END_TEST

/* For nohup, and for what a shell starts in the background. */
START_TEST(ignored_signals_stay_ignored)
{
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    ck_assert_int_eq(sigaction(SIGHUP, &ignore, &before), 0);
    ck_assert_int_eq(hold_shell("kill -HUP $$; kill -HUP $PPID; exit 7", 0), 7);
    ck_assert_int_eq(sigaction(SIGHUP, &before, NULL), 0);
}
END_TEST

static int drained;

static int64_t drain_for_a_while(void *arg)
{
    (void)arg;
    drained++;
    return 200 * NS_PER_MS;
}

/* Runs a command that says when it is told to end, under a hold that drains. */
static int hold_and_drain(const char *script, int n_signals)
{
    char *command[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    struct discover *d = new_handle();
    struct hold h;
    pid_t child;
    ck_assert_int_eq(hold_init(&h), 0);
    h.drain = drain_for_a_while;
    drained = 0;
    ck_assert_int_eq(hold_start(&h, command, &child), 0);
    for (int i = 0; i < n_signals; i++)
        ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    int status = hold_run(&h, d, child);
    hold_fini(&h);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &h.old, NULL), 0);
    discover_free(d);
    return status;
}

/* A command that ends by itself while it is drained keeps its exit status. */
START_TEST(drained_before_it_is_told_to_end)
{
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(hold_and_drain("exec sleep 30", 1), 128 + SIGTERM);
    ck_assert_int_eq(drained, 1);
    ck_assert_int_ge(clock_now_ns() - start_ns, 200 * NS_PER_MS);
    ck_assert_int_eq(hold_and_drain("exit 5", 1), 5);
}
END_TEST

/* As process 1 of a container it has everybody's children: here, as the reaper of its descendants. */
START_TEST(what_is_inherited_is_reaped)
{
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    ck_assert_int_eq(hold_shell("(sh -c 'exit 0' & sh -c 'sleep 0.05' &); sleep 0.3; exit 3", 0), 3);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(without_a_command_until_told)
{
    ck_assert_int_eq(hold_shell(NULL, SIGTERM), 0);
    ck_assert_int_eq(hold_shell(NULL, SIGINT), 0);
}
END_TEST

START_TEST(no_such_program)
{
    char *command[] = {(char *)"/nonexistent/program", NULL};
    struct hold h;
    pid_t child;
    ck_assert_int_eq(hold_init(&h), 0);
    ck_assert_int_eq(hold_start(&h, command, &child), 127);
    command[0] = (char *)"/";
    ck_assert_int_eq(hold_start(&h, command, &child), 126);
    hold_fini(&h);
}
END_TEST

UNIT_TESTS("hold", exit_status_is_passed_on, signals_are_passed_on, command_has_its_own_way_with_signals,
           ignored_signals_stay_ignored, drained_before_it_is_told_to_end, what_is_inherited_is_reaped,
           without_a_command_until_told, no_such_program)
