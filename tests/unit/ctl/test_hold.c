/* SPDX-License-Identifier: Apache-2.0 */
/* Commands under a registration: their exit status and their signals are as without it. */
#include "daemon/ctl/hold.h"

#include <errno.h>
#include <unistd.h>

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
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
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
    ck_assert_int_eq(hold_start(&h, command, &child), -ENOENT);
    command[0] = (char *)"/";
    ck_assert_int_eq(hold_start(&h, command, &child), -EACCES);
    hold_fini(&h);
}
END_TEST

UNIT_TESTS("hold", exit_status_is_passed_on, signals_are_passed_on, command_has_its_own_way_with_signals,
           without_a_command_until_told, no_such_program)
