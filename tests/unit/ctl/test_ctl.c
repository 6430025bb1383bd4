/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of every way to get it wrong, and of having no daemon: scripts rely on them. */
#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"

#define RUN(...) run((char *[]){(char *)"discoverctl", __VA_ARGS__, NULL})

static int run(char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return ctl_main(argc, argv);
}

#define W(text) ((char *)(text))
#define NO_DAEMON W("-s"), W("/nonexistent/sock")

START_TEST(usage)
{
    ck_assert_int_eq(run((char *[]){W("discoverctl"), NULL}), CTL_USAGE);
    ck_assert_int_eq(RUN(W("nonsense")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("--nonsense")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("-s")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("resolve")), CTL_USAGE);
    ck_assert_int_eq(RUN(NO_DAEMON, W("resolve"), W("payment")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("resolve"), W("a/b"), W("c/d")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("resolve"), W("a/b"), W("--"), W("c")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("register"), W("a/b")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("deregister")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("deregister"), W("payment")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("list"), W("a/b")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("hosts"), W("web-1")), CTL_USAGE);
    ck_assert_int_eq(RUN(W("status"), W("x")), CTL_USAGE);
}
END_TEST

START_TEST(no_daemon)
{
    ck_assert_int_eq(RUN(NO_DAEMON, W("resolve"), W("a/b")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("--json"), W("list")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("hosts")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("status")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("deregister"), W("a/b")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("register"), W("a/b"), W("--port"), W("1")), CTL_CANNOT_KNOW);
    ck_assert_int_eq(RUN(NO_DAEMON, W("register"), W("a/b"), W("--port"), W("1"), W("--"), W("true")),
                     CTL_CANNOT_KNOW);
}
END_TEST

START_TEST(help)
{
    static const char *const commands[] = {"register", "deregister", "resolve", "list", "hosts", "status"};
    ck_assert_int_eq(RUN(W("--help")), CTL_DONE);
    ck_assert_int_eq(RUN(W("-V")), CTL_DONE);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        ck_assert_int_eq(RUN(W(commands[i]), W("--help")), CTL_DONE);
}
END_TEST

START_TEST(exit_status_of_results)
{
    static const struct {
        int result, status;
    } cases[] = {
        {DISCOVER_FRESH, CTL_DONE},          {DISCOVER_STALE, CTL_DONE},   {DISCOVER_DEGRADED, CTL_DONE},
        {DISCOVER_E_NONE, CTL_NONE},         {DISCOVER_E_UNKNOWN, CTL_NONE},
        {DISCOVER_E_UNSYNCED, CTL_CANNOT_KNOW}, {DISCOVER_E_NAME, CTL_USAGE},
        {DISCOVER_E_DENIED, CTL_FAILED},     {DISCOVER_E_BUSY, CTL_FAILED}, {-ETIMEDOUT, CTL_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(ctl_exit_of(cases[i].result), cases[i].status);
}
END_TEST

UNIT_TESTS("ctl", usage, no_daemon, help, exit_status_of_results)
