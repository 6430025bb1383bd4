/* SPDX-License-Identifier: Apache-2.0 */
/* A record joined of its parts is what was encoded, with the version, the state and the addresses of the put. */
#include "daemon/agent/encoded_record.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"

static struct record record_of_many_words(void)
{
    struct record r;
    record_init(&r);
    r.port = 8080;
    r.weight = 700;
    r.priority = 3;
    r.state = DISCOVER_WARNING;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(record_add_address(&r, "2001:db8::1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(record_add_tag(&r, "Not A Label"), 0);
    ck_assert_int_eq(record_set_meta(&r, "version", "1.4"), 0);
    return r;
}

static void same(const struct record *a, const struct record *b)
{
    uint8_t x[RECORD_WIRE_MAX], y[RECORD_WIRE_MAX];
    size_t n_x, n_y;
    ck_assert_int_eq(record_encode(a, x, &n_x), 0);
    ck_assert_int_eq(record_encode(b, y, &n_y), 0);
    ck_assert_uint_eq(n_x, n_y);
    ck_assert_mem_eq(x, y, n_x);
}

START_TEST(joined_is_what_was_encoded)
{
    struct record record = record_of_many_words(), back;
    struct encoded_record e;
    uint8_t body[RECORD_WIRE_MAX], bytes[RECORD_WIRE_MAX];
    const char *why;
    record.epoch = 5;
    ck_assert_int_eq(encoded_record_init(&e, &record, RECORD_WIRE_MAX, body), 0);
    ck_assert_int_eq(record_decode(bytes, encoded_record_unversioned(&e, bytes), &back, &why), 0);
    record.epoch = 0;
    same(&back, &record);
}
END_TEST

START_TEST(each_put_has_its_own_version_state_and_addresses)
{
    struct record record = record_of_many_words(), back;
    struct addresses other = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 9, 8, 7}};
    struct encoded_record e;
    uint8_t body[RECORD_WIRE_MAX], bytes[RECORD_WIRE_MAX], put[RECORD_WIRE_MAX];
    const char *why;
    ck_assert_int_eq(encoded_record_init(&e, &record, RECORD_WIRE_MAX, body), 0);
    size_t n = encoded_record_join(&e, DISCOVER_CRITICAL, &other, bytes);
    size_t n_version = encoded_version(EPOCH_MAX - 1, 77, put);
    memcpy(put + n_version, bytes, n);
    ck_assert_int_eq(record_decode(put, n_version + n, &back, &why), 0);
    record.epoch = EPOCH_MAX - 1;
    record.counter = 77;
    record.state = DISCOVER_CRITICAL;
    record.addresses.families = other.families;
    memcpy(record.addresses.ipv4, other.ipv4, sizeof record.addresses.ipv4);
    memset(record.addresses.ipv6, 0, sizeof record.addresses.ipv6);
    same(&back, &record);
}
END_TEST

START_TEST(equal_but_for_the_version)
{
    struct record a = record_of_many_words(), b[4];
    struct encoded_record ea, eb;
    uint8_t body_a[RECORD_WIRE_MAX], body_b[RECORD_WIRE_MAX];
    for (size_t i = 0; i < 4; i++)
        b[i] = a;
    b[0].epoch = b[0].counter = 9;
    b[1].state = DISCOVER_PASSING;
    b[2].addresses.ipv6[15]++;
    b[3].weight++;
    ck_assert_int_eq(encoded_record_init(&ea, &a, RECORD_WIRE_MAX, body_a), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(encoded_record_init(&eb, &b[i], RECORD_WIRE_MAX, body_b), 0);
        ck_assert_int_eq(encoded_record_equal(&ea, &eb), i == 0);
    }
}
END_TEST

/* Whatever is put of it: a version of many digits, two addresses. */
START_TEST(no_put_of_what_is_taken_exceeds_the_limit)
{
    struct record record = record_of_many_words();
    struct addresses both = {.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6};
    struct encoded_record e;
    uint8_t body[RECORD_WIRE_MAX], bytes[RECORD_WIRE_MAX], version[ENCODED_VERSION_MAX];
    size_t least = 1;
    while (encoded_record_init(&e, &record, least, body) == -EMSGSIZE)
        least++;
    size_t n =
        encoded_record_join(&e, DISCOVER_DRAINING, &both, bytes) + encoded_version(UINT64_MAX, UINT64_MAX, version);
    ck_assert_uint_eq(n, least);
}
END_TEST

UNIT_TESTS("agent/encoded_record", joined_is_what_was_encoded, each_put_has_its_own_version_state_and_addresses,
           equal_but_for_the_version, no_put_of_what_is_taken_exceeds_the_limit)
