/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of a message before it is unpacked. */
#include "libdiscover/core/wire.h"

#include <errno.h>
#include <string.h>

#include "proto/api.pb-c.h"
#include "tests/support/unit.h"

#define CLIENT_MESSAGE &discover__v1__client_message__descriptor

static int count(const char *bytes, size_t n, unsigned max)
{
    return wire_count(CLIENT_MESSAGE, (const uint8_t *)bytes, n, max);
}

START_TEST(fields_come_one_by_one)
{
    const uint8_t bytes[] = "\x08\xac\x02\x12\x03\x08\x01\x10\x11\x01\x02\x03\x04\x05\x06\x07\x08\x1d\x01\x02\x03\x04";
    const uint8_t *at = bytes, *end = bytes + sizeof bytes - 1;
    struct wire_field f;
    ck_assert_int_eq(wire_next(&at, end, &f), 1);
    ck_assert_uint_eq(f.number, 1);
    ck_assert_uint_eq(f.value, 300);
    ck_assert_int_eq(wire_next(&at, end, &f), 1);
    ck_assert_uint_eq(f.number, 2);
    ck_assert_uint_eq(f.n, 3);
    ck_assert_ptr_eq(f.bytes, bytes + 5);
    ck_assert_int_eq(wire_next(&at, end, &f), 1);
    ck_assert_uint_eq(f.n, 8);
    ck_assert_int_eq(wire_next(&at, end - 1, &f), -EBADMSG); /* one byte is missing */
    at = end - 5;
    ck_assert_int_eq(wire_next(&at, end, &f), 1);
    ck_assert_uint_eq(f.number, 3);
    ck_assert_uint_eq(f.n, 4);
    ck_assert_int_eq(wire_next(&at, end, &f), 0);
}
END_TEST

START_TEST(what_is_no_message_is_reported)
{
    static const char *const bad[] = {
        "\x80",                                             /* a key that does not end */
        "\x02\x00",                                         /* field 0 */
        "\x0b",                                             /* a group */
        "\x0f\x00",                                         /* no such wire type */
        "\x12\x05gh",                                       /* longer than the rest */
        "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",     /* ever so much longer */
        "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", /* more than 64 bits */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const uint8_t *at = (const uint8_t *)bad[i], *end = at + strlen(bad[i]) + (i == 1 || i == 3);
        struct wire_field f;
        ck_assert_msg(wire_next(&at, end, &f) == -EBADMSG, "%zu", i);
    }
}
END_TEST

START_TEST(fields_within_count_too)
{
    /* Register{service, Instance{tags "", tags ""}} */
    const char bytes[] = "\x08\x01\x1a\x09\x0a\x01x\x1a\x04\x5a\x00\x5a\x00";
    ck_assert_int_eq(count(bytes, sizeof bytes - 1, 100), 6);
    ck_assert_int_eq(count(bytes, sizeof bytes - 1, 6), 6);
    ck_assert_int_eq(count(bytes, sizeof bytes - 1, 5), -E2BIG);
    ck_assert_int_eq(count(bytes, 0, 0), 0);
    /* A field that is not known may hold anything. */
    ck_assert_int_eq(count("\xe2\x03\x03\x80\x80\x80", 6, 100), 1);
    /* What claims to be a message within is looked into. */
    ck_assert_int_eq(count("\x1a\x01\x80", 3, 100), -EBADMSG);
}
END_TEST

UNIT_TESTS("core/wire", fields_come_one_by_one, what_is_no_message_is_reported, fields_within_count_too)
