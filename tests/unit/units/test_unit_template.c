/* SPDX-License-Identifier: Apache-2.0 */
/* Names of templates and instances, and what a template's file says of an instance. */
#include "daemon/units/unit_template.h"

#include <stdlib.h>

#include "tests/support/unit.h"

START_TEST(names)
{
    ck_assert(unit_is_template("worker@.service"));
    ck_assert(!unit_is_template("worker@1.service"));
    ck_assert(!unit_is_template("worker.service"));
    ck_assert(unit_is_instance_of("worker@1.service", "worker@.service"));
    ck_assert(unit_is_instance_of("worker@a.b.service", "worker@.service"));
    ck_assert(!unit_is_instance_of("worker@.service", "worker@.service"));
    ck_assert(!unit_is_instance_of("worker@1.socket", "worker@.service"));
    ck_assert(!unit_is_instance_of("coworker@1.service", "worker@.service"));
    ck_assert(!unit_is_instance_of("worker.service", "worker.service"));
}
END_TEST

static void expect(const char *text, const char *unit, const char *wanted)
{
    char *got;
    ck_assert_int_eq(unit_template_expand(text, unit, &got), 0);
    ck_assert_str_eq(got, wanted);
    free(got);
}

START_TEST(specifiers)
{
    expect("Port=80%i", "worker@7.service", "Port=807");
    expect("%n %N %p %j", "shop-worker@7.service", "shop-worker@7.service shop-worker@7 shop-worker worker");
    expect("%i %I", "x@srv-data\\x2d1.service", "srv-data\\x2d1 srv/data-1");
    expect("%P %J", "a-b@1.service", "a/b b");
    expect("100%% %z %", "x@1.service", "100% %z %");
    expect("%I|%i", "x@a\\x0ab\\x.service", "a\\x0ab\\x|a\\x0ab\\x"); /* no line is broken */
    expect("", "x@1.service", "");
}
END_TEST

UNIT_TESTS("unit_template", names, specifiers)
