/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of every way to get it wrong, and of having no daemon: scripts rely on them. */
#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/ctl/line.h"

#define NO_DAEMON "discoverctl -s /nonexistent/sock "

static int run(const char *text)
{
    char **argv = line(text);
    int argc = 0;
    while (argv[argc])
        argc++;
    return ctl_main(argc, argv);
}

START_TEST(usage)
{
    ck_assert_int_eq(run("discoverctl"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl nonsense"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl --nonsense"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl -s"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl resolve"), CTL_USAGE);
    ck_assert_int_eq(run(NO_DAEMON "resolve payment"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl resolve a/b c/d"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl resolve a/b -- c"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl register a/b"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl deregister"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl deregister payment"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl list a/b"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl hosts web-1"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl status x"), CTL_USAGE);
}
END_TEST

START_TEST(no_daemon)
{
    ck_assert_int_eq(run(NO_DAEMON "resolve a/b"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "--json list"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "hosts"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "status"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "deregister a/b"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "register a/b --port 1"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "register a/b --port 1 --require -- true"), CTL_CANNOT_KNOW);
}
END_TEST

START_TEST(help)
{
    static const char *const lines[] = {"discoverctl --help",          "discoverctl -V",
                                        "discoverctl register --help", "discoverctl deregister --help",
                                        "discoverctl resolve --help",  "discoverctl list --help",
                                        "discoverctl hosts --help",    "discoverctl status --help"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(run(lines[i]) == CTL_DONE, "%s", lines[i]);
}
END_TEST

START_TEST(exit_status_of_results)
{
    static const struct {
        int result, status;
    } cases[] = {
        {DISCOVER_FRESH, CTL_DONE},   {DISCOVER_STALE, CTL_DONE},      {DISCOVER_DEGRADED, CTL_DONE},
        {DISCOVER_E_NONE, CTL_NONE},  {DISCOVER_E_UNKNOWN, CTL_NONE},  {DISCOVER_E_UNSYNCED, CTL_CANNOT_KNOW},
        {DISCOVER_E_NAME, CTL_USAGE}, {DISCOVER_E_DENIED, CTL_FAILED}, {DISCOVER_E_BUSY, CTL_FAILED},
        {-ETIMEDOUT, CTL_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(ctl_exit_of(cases[i].result), cases[i].status);
}
END_TEST

UNIT_TESTS("ctl", usage, no_daemon, help, exit_status_of_results)
