/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of every way to get it wrong, and of having no daemon: scripts rely on them. */
#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "tests/support/unit.h"
#include "tests/unit/ctl/command_line.h"

#define NO_DAEMON "discoverctl -s /nonexistent/sock "

static int run(const char *text)
{
    char **argv = command_line(text);
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
    ck_assert_int_eq(run("discoverctl --jsons=1 status"), CTL_USAGE);
    ck_assert_int_eq(run("discoverctl --socket=/nonexistent/sock status"), CTL_CANNOT_KNOW);
    ck_assert_int_eq(run(NO_DAEMON "status --json"), CTL_USAGE);
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

/* Each says which word it is about, and what it must be; nobody is asked. */
START_TEST(words_are_what_they_must_be)
{
    static const char *const lines[][3] = {
        {"resolve", "", "a word is missing: discoverctl resolve DOMAIN/SERVICE[@REGION] [OPTION]..."},
        {"resolve", "a/b c/d", "c/d: one word too many"},
        {"resolve", "a/b@B", "a/b@B: not a service, which is written DOMAIN/SERVICE or DOMAIN/SERVICE@REGION"},
        {"resolve", "a/b -- c", "--: resolve runs no command"},
        {"watch", "a/b --", "after -- a command must come"},
        {"drain", "Shop/pay", "Shop/pay: not a service"},
        {"drain", "shop/pay P_1", "instance P_1: a name is of a-z, 0-9 and '-' inside, at most 63; did you mean p-1?"},
        {"maintenance", "shop/pay", "shop/pay: must be one of: on off"},
        {"maintenance", "o", "must be one of: on off"},
        {"check", "pas shop/pay p1", "must be one of: pass warn fail"},
        {"forget", "Web-1", "host Web-1: a name is of a-z"},
        {"failover", "shop/pay", "a word is missing: discoverctl failover DOMAIN/SERVICE auto|off|REGION"},
        {"list", "a/b", "domain a/b: a name is of a-z"},
        {"explain", "", ""},
        {"explain", "shop/pay web-1/p1", ""},
        {"maintenance", "on", ""},
        {"drain", "shop/pay p1", ""},
        {"watch", "a/b -- true", ""},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        static const struct option_spec none[] = {{.name = NULL}};
        const struct command *c = command_find(lines[i][0]);
        struct words words;
        char why[OPTIONS_WHY_CAP] = "";
        ck_assert_int_eq(options_parse(none, NULL, command_line(lines[i][1]), &words, why), 0);
        int err = command_check_words(c, &words, why);
        ck_assert_msg(*lines[i][2] ? err < 0 && strstr(why, lines[i][2]) : err == 0, "%s %s: %s", lines[i][0],
                      lines[i][1], why);
    }
    ck_assert_ptr_null(command_find("nonsense"));
    ck_assert_ptr_null(command_find(""));
}
END_TEST

static void print_nothing(const json_t *document, FILE *out)
{
    (void)out;
    ck_assert_ptr_nonnull(document);
}

/* Another host's daemon may have answered with anything. */
START_TEST(documents)
{
    static const struct ctl text, json = {.json = true};
    ck_assert_int_eq(ctl_print_document(&text, NULL, print_nothing), CTL_FAILED);
    ck_assert_int_eq(ctl_print_document(&json, NULL, print_nothing), CTL_FAILED);
    ck_assert_int_eq(ctl_print_document(&text, json_pack("{s:b}", "known", 0), print_nothing), CTL_NONE);
    ck_assert_int_eq(ctl_print_document(&json, json_pack("{s:b}", "known", 0), print_nothing), CTL_NONE);
    ck_assert_int_eq(ctl_print_document(&text, json_array(), print_nothing), CTL_DONE);
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

UNIT_TESTS("ctl", usage, no_daemon, help, words_are_what_they_must_be, documents, exit_status_of_results)
