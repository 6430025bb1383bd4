/* SPDX-License-Identifier: Apache-2.0 */
/* The files of services_dir: each stands alone, and what it said last stays in force when it is wrong. */
#include "daemon/config/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

#define SERVICE(name, port) "services = ( { name = \"" name "\"; port = " #port "; } );"

struct reported {
    char text[8192];
    size_t n;
};

static void on_report(void *arg, const char *message)
{
    struct reported *reported = arg;
    reported->n += (size_t)snprintf(reported->text + reported->n, sizeof reported->text - reported->n, "%s\n", message);
    ck_assert_uint_lt(reported->n, sizeof reported->text);
}

/* Loads a configuration whose services_dir is sd, and whose state_dir is state, both in the test's folder. */
static struct config *load(const char *more, struct reported *ret_reported)
{
    char text[1024], here[256];
    struct config *c = NULL;
    *ret_reported = (struct reported){.n = 0};
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(text, sizeof text, "host = \"web-1\"; services_dir = \"%s/sd\"; state_dir = \"%s/state\";\n%s", here, here,
             more);
    folder_write("c", text);
    ck_assert_msg(config_load("c", on_report, ret_reported, &c) == 0, "%s", ret_reported->text);
    return c;
}

/* "a/b:1 c/d:2" */
static const char *services_of(const struct config *c)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < c->n_services; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s/%s:%u", i ? " " : "", c->services[i].key.domain,
                              c->services[i].key.service, c->services[i].record.port);
    return text;
}

static void check_services(const char *expected, size_t n_refused, const char *message)
{
    struct reported reported;
    struct config *c = load("", &reported);
    ck_assert_str_eq(services_of(c), expected);
    ck_assert_uint_eq(config_refused_files(c), n_refused);
    if (*message)
        ck_assert_msg(strstr(reported.text, message), "expected: %s\nsaid: %s", message, reported.text);
    else
        ck_assert_str_eq(reported.text, "");
    ck_assert_int_eq(config_keep_service_files(c), 0);
    config_free(c);
}

START_TEST(one_bad_file_spoils_no_other)
{
    struct reported reported;
    folder_enter();
    folder_write("state/x", "");
    folder_write("sd/1.conf", "services = ( );\nregion = \"x\";");
    folder_write("sd/2.conf", SERVICE("a/b", 1));
    folder_write("sd/3.conf", "services = (");
    folder_write("sd/4.conf", "services = (\n { name = \"x/y\"; port = 0; }, { name = \"x/z\"; port = 1; } );");
    folder_write("sd/5.conf/x", "");
    folder_write("sd/6.conf", SERVICE("c/d", 2));
    struct config *c = load("", &reported);
    ck_assert_str_eq(services_of(c), "a/b:1 c/d:2");
    ck_assert_uint_eq(config_refused_files(c), 4);
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/1.conf:2: region: unknown key\n"));
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/1.conf: refused; none of its services is registered\n"));
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/3.conf:1: syntax error\n"));
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/4.conf:2: services[0].port: 0 is out of range 1..65535\n"));
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/5.conf: cannot be read: Is a directory\n"));
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(what_was_right_last_stays_in_force)
{
    folder_enter();
    folder_write("state/x", "");
    folder_write("sd/a.conf", "@include \"part\"\n");
    folder_write("sd/part", SERVICE("a/b", 1));
    folder_write("sd/b.conf", SERVICE("c/d", 2));
    check_services("a/b:1 c/d:2", 0, "");
    folder_write("sd/part", "services = ( nonsense");
    folder_write("sd/b.conf", SERVICE("c/d", 3));
    check_services("a/b:1 c/d:3", 1, "/sd/a.conf: refused; what it said when it was last right stays in force");
    check_services("a/b:1 c/d:3", 1, "/sd/a.conf: refused; what it said when it was last right stays in force");
    folder_write("sd/part", SERVICE("a/b", 4));
    check_services("a/b:4 c/d:3", 0, "");
    folder_remove();
}
END_TEST

/* Whoever removes a file wants its services gone, and does not want them back with the next mistake. */
START_TEST(a_removed_file_is_forgotten)
{
    folder_enter();
    folder_write("state/x", "");
    folder_write("sd/a.conf", SERVICE("a/b", 1));
    check_services("a/b:1", 0, "");
    ck_assert_int_eq(unlink("sd/a.conf"), 0);
    check_services("", 0, "");
    folder_write("sd/a.conf", "nonsense");
    check_services("", 1, "/sd/a.conf: refused; none of its services is registered");
    folder_remove();
}
END_TEST

START_TEST(a_name_that_is_taken_refuses_the_later_file)
{
    struct reported reported;
    folder_enter();
    folder_write("state/x", "");
    folder_write("sd/a.conf", SERVICE("a/b", 1));
    folder_write("sd/b.conf", "services = ( { name = \"a/b\"; instance = \"b-1\"; port = 2; },"
                              " { name = \"c/d\"; port = 3; } );");
    folder_write("sd/c.conf", SERVICE("c/d", 4));
    struct config *c = load("", &reported);
    ck_assert_str_eq(services_of(c), "a/b:1 c/d:4");
    ck_assert_ptr_nonnull(strstr(reported.text, "/sd/b.conf:1: services[0]: a/b, instance b-1, is in "));
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(a_limit_refuses_the_file_that_passes_it)
{
    struct reported reported;
    folder_enter();
    folder_write("state/x", "");
    folder_write("sd/a.conf", SERVICE("a/b", 1));
    folder_write("sd/b.conf", SERVICE("c/d", 2));
    struct config *c = load("limits = { instances_per_host = 1; };", &reported);
    ck_assert_str_eq(services_of(c), "a/b:1");
    ck_assert_ptr_nonnull(
        strstr(reported.text, "/sd/b.conf:1: services[0]: more services than limits.instances_per_host"));
    config_free(c);
    folder_remove();
}
END_TEST

UNIT_TESTS("service_files", one_bad_file_spoils_no_other, what_was_right_last_stays_in_force,
           a_removed_file_is_forgotten, a_name_that_is_taken_refuses_the_later_file,
           a_limit_refuses_the_file_that_passes_it)
