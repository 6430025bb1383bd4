/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of "discoverctl register", as the registration that it makes. */
#include "daemon/ctl/register_options.h"

#include <errno.h>
#include <string.h>

#include "daemon/ctl/commands.h"

#include "tests/support/unit.h"
#include "tests/unit/ctl/command_line.h"

#define FULL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* as long as a name may be */

static struct register_options o;
static struct words words;
static char why[OPTIONS_WHY_CAP];

/* As the command line is read before the command runs. */
static int parse(const char *text)
{
    o = register_defaults;
    int err = options_parse(register_specs, &o, command_line(text), &words, why);
    if (!err)
        err = command_check_words(&register_command, &words, why);
    return err ? err : register_options_check(&o, words.command != NULL, why);
}

static int build(struct discover_registration **ret_r)
{
    return register_options_build(words.word[0], &o, words.command != NULL, ret_r, why);
}

START_TEST(least)
{
    ck_assert_int_eq(parse("shop/payment --port 8080"), 0);
    ck_assert_str_eq(words.word[0], "shop/payment");
    ck_assert_uint_eq(o.port, 8080);
    ck_assert_uint_eq(o.weight, 1);
    ck_assert_uint_eq(o.priority, 0);
    ck_assert_int_eq(o.protocol, DISCOVER_TCP);
    ck_assert_ptr_null(o.instance);
    ck_assert_ptr_null(words.command);
    struct discover_registration *r;
    ck_assert_int_eq(build(&r), 0);
    ck_assert_str_eq(discover_registration_instance(r), "");
    discover_registration_free(r);
}
END_TEST

START_TEST(everything)
{
    ck_assert_int_eq(parse("--port 53 --address 10.0.0.1 --address 2001:db8::1 dns/main "
                           "--instance n1 --proto udp --weight 5 --priority 2 --tag a --tag b "
                           "--meta version=1.4 --meta formula=a=b -- named -g"),
                     0);
    ck_assert_int_eq(o.protocol, DISCOVER_UDP);
    ck_assert_uint_eq(o.addresses.n, 2);
    ck_assert_uint_eq(o.tags.n, 2);
    ck_assert_uint_eq(o.meta.n, 2);
    ck_assert_uint_eq(o.weight, 5);
    ck_assert_uint_eq(o.priority, 2);
    ck_assert_str_eq(words.command[0], "named");
    struct discover_registration *r;
    ck_assert_int_eq(build(&r), 0);
    ck_assert_str_eq(discover_registration_instance(r), "n1");
    discover_registration_free(r);
    ck_assert_int_eq(parse("a/b --port 1 --ttl 10s"), 0);
    ck_assert_uint_eq(o.ttl_ms, 10000);
    ck_assert_int_eq(parse("a/b --port 1 --pid 42"), 0);
    ck_assert_uint_eq(o.pid, 42);
}
END_TEST

START_TEST(bad_lines)
{
    static const char *const lines[][2] = {
        {"--port 1", "a word is missing: discoverctl register DOMAIN/SERVICE --port N"},
        {"a/b c/d --port 1", "c/d: one word too many"},
        {"a/b", "--port"},
        {"a/b --port 0", "1 to 65535"},
        {"a/b --port 65536", "1 to 65535"},
        {"a/b --port 1 --proto sctp", "--proto sctp: not a good tcp|udp"},
        {"a/b --port 1 --weight 0", "1 to 65535"},
        {"a/b --port 1 --priority 70000", "0 to 65535"},
        {"a/b --port 1 --meta novalue", "--meta novalue: not a good K=V: "},
        {"a/b --port 1 --ttl 10", "10s or 500ms"},
        {"a/b --port 1 --pid 0", "--pid 0"},
        {"a/b --port 1 --", "a command must come"},
        {"a/b --port 1 --ttl 1s --pid 5", "exclude"},
        {"a/b --port 1 --ttl 1s -- true", "exclude"},
        {"a/b --port 1 --address 1.1.1.1 --address 1.1.1.2 --address 1.1.1.3", "at most one of each"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(parse(lines[i][0]) == -EINVAL, "%s", lines[i][0]);
        ck_assert_msg(strstr(why, lines[i][1]) != NULL, "%s: %s", lines[i][0], why);
    }
}
END_TEST

START_TEST(bad_values)
{
    static const char *const lines[][2] = {
        {"Shop/payment --port 1", "Shop/payment: not a service, which is written DOMAIN/SERVICE, each of a-z, 0-9 and "
                                  "'-' inside, at most 63; did you mean shop/payment?"},
        {"shop --port 1", "shop: not a service, which is written DOMAIN/SERVICE"},
        {"host/x --port 1", "host/x: not a service"},
        {"a/b --port 1 --instance Web_1.example",
         "--instance Web_1.example: a name is of a-z, 0-9 and '-' inside, at most 63; did you mean web-1-example?"},
        {"a/b --port 1 --instance " FULL "a", "--instance " FULL "a: a name is of a-z"},
        {"a/b --port 1 --address DB.example.com", "--address DB.example.com: must be in lower case"},
        {"a/b --port 1 --address db.example.com.", "--address db.example.com.: must be in lower case, without a dot"},
        {"a/b --port 1 --address a_b", "--address a_b: neither an address"},
        {"a/b --port 1 --address 10.0.0.256", "--address 10.0.0.256: neither an address"},
        {"a/b --port 1 --address 0.0.0.0", "--address 0.0.0.0: an unspecified address"},
        {"a/b --port 1 --address db.example.com --address 10.0.0.1",
         "--address 10.0.0.1: a host name must stand alone"},
        {"a/b --port 1 --address 1.1.1.1 --address 1.1.1.2", "--address 1.1.1.2"},
        {"a/b --port 1 --tag \x01", "--tag \x01: a tag is 1..255 bytes of UTF-8 without control characters"},
        {"a/b --port 1 --tag=", "--tag : a tag is 1..255 bytes"},
        {"a/b --port 1 --tag x --tag x", "--tag x: it is there already"},
        {"a/b --port 1 --meta =x", "--meta =x: its key must not be empty"},
        {"a/b --port 1 --meta a\tb=1", "--meta a\tb=1: its key must be printable ASCII without blanks and '='"},
        {"a/b --port 1 --meta " FULL "a=1", "--meta " FULL "a=1: its key must be at most 63 bytes"},
        {"a/b --port 1 --meta a=\x7f", "--meta a=\x7f: its value must be UTF-8 without control characters"},
        {"a/b --port 1 --meta a=" FULL FULL FULL FULL "aaaa", "...: its value must be at most 255 bytes"},
        {"a/b --port 1 --check tcp=\x01", "--check tcp=\x01: a check is KEY=VALUE"},
        {"a/b --port 1 --check=", "--check : a check is KEY=VALUE"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct discover_registration *r = NULL;
        ck_assert(parse(lines[i][0]) < 0 || build(&r) < 0);
        ck_assert_msg(strstr(why, lines[i][1]) != NULL, "%s: %s", lines[i][0], why);
        ck_assert_msg(!strstr(why, "Invalid argument") && !strstr(why, "not a valid name"), "%s", why);
        ck_assert_ptr_null(r);
    }
}
END_TEST

UNIT_TESTS("register options", least, everything, bad_lines, bad_values)
