/* SPDX-License-Identifier: Apache-2.0 */
/* Records and leases: round trips, rules, and schemas older and newer than ours. */
#include "libdiscover/core/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/core/wire.h"
#include "tests/support/unit.h"

static struct record full_record(void)
{
    struct record r;
    record_init(&r);
    r.epoch = 7;
    r.counter = UINT64_MAX;
    r.port = 8080;
    r.weight = 65535;
    r.priority = 3;
    r.protocol = DISCOVER_UDP;
    r.state = DISCOVER_DRAINING;
    r.unexported = 1;
    ck_assert_int_eq(record_add_address(&r, "10.0.1.22"), 0);
    ck_assert_int_eq(record_add_address(&r, "2001:db8::1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(record_add_tag(&r, "blue"), 0);
    ck_assert_int_eq(record_set_meta(&r, "version", "1.4"), 0);
    ck_assert_int_eq(record_set_meta(&r, "name", "K\xc3\xb6ln"), 0);
    return r;
}

START_TEST(test_round_trip)
{
    struct record r = full_record(), back;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    const char *why = NULL;
    ck_assert_int_eq(record_encode(&r, bytes, &n), 0);
    ck_assert_int_eq(record_decode(bytes, n, &back, &why), 0);
    ck_assert_uint_eq(back.epoch, 7);
    ck_assert_uint_eq(back.counter, UINT64_MAX);
    ck_assert_uint_eq(back.port, 8080);
    ck_assert_uint_eq(back.weight, 65535);
    ck_assert_uint_eq(back.priority, 3);
    ck_assert_uint_eq(back.protocol, DISCOVER_UDP);
    ck_assert_uint_eq(back.state, DISCOVER_DRAINING);
    ck_assert_uint_eq(back.unexported, 1);
    ck_assert_uint_eq(back.addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_mem_eq(back.addresses.ipv4, "\x0a\x00\x01\x16", 4);
    ck_assert_mem_eq(back.addresses.ipv6, r.addresses.ipv6, 16);
    ck_assert_uint_eq(back.n_tags, 2);
    ck_assert_str_eq(back.tags[1], "blue");
    ck_assert_uint_eq(back.n_meta, 2);
    ck_assert_str_eq(back.meta[1].value, "K\xc3\xb6ln");
}
END_TEST

/* The form that the table has, with as many pairs as there may be; what is behind it in memory is no part of it. */
START_TEST(test_entry_round_trip)
{
    struct record r = full_record(), back;
    uint8_t bytes[ENTRY_HOST_MAX + ENTRY_MAX];
    char key[8];
    struct entry e;
    struct discover_endpoint endpoint;
    for (int i = r.n_meta; i < RECORD_META_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_int_eq(record_set_meta(&r, key, "v"), 0);
    }
    for (int unexported = 0; unexported < 2; unexported++) {
        r.unexported = (uint8_t)unexported;
        memset(bytes, 0xff, sizeof bytes);
        size_t n = entry_write_host("web-1", "b-1", "b", bytes);
        (void)entry_write_instance(&r, "p1", bytes + n);
        ck_assert_int_eq(entry_read(bytes, sizeof bytes, &e), 0);
        ck_assert_uint_eq(e.n_meta, RECORD_META_MAX);
        ck_assert_str_eq(e.meta[1].value, "K\xc3\xb6ln");
        entry_endpoint(&r, 1, DISCOVER_REGION, &endpoint);
        ck_assert_int_eq(entry_record(&e, &endpoint, &back), 0);
        ck_assert_uint_eq(back.unexported, unexported);
        ck_assert_uint_eq(back.n_meta, RECORD_META_MAX);
    }
}
END_TEST

START_TEST(test_every_cut_is_survived)
{
    struct record r = full_record(), back;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    const char *why;
    ck_assert_int_eq(record_encode(&r, bytes, &n), 0);
    for (size_t cut = 0; cut < n; cut++) {
        why = NULL;
        if (record_decode(bytes, cut, &back, &why) < 0)
            ck_assert_ptr_nonnull(why);
        else
            ck_assert_uint_ne(back.port, 0);
    }
}
END_TEST

static void expect_refusal(Discover__V1__Instance *msg, const char *why)
{
    struct record r;
    const char *reason = "";
    ck_assert_int_lt(record_from_proto(msg, &r, &reason), 0);
    ck_assert_msg(strstr(reason, why) != NULL, "the reason is \"%s\", expected \"%s\"", reason, why);
}

START_TEST(test_refusals_name_the_field)
{
    uint8_t address[16] = {10, 0, 0, 1};
    char *bad_tag[] = {(char *)"a\ttab"};
    Discover__V1__Instance good = DISCOVER__V1__INSTANCE__INIT, msg;
    good.port = 80;
    good.ipv4 = (ProtobufCBinaryData){4, address};
    struct record r;
    const char *why;
    ck_assert_int_eq(record_from_proto(&good, &r, &why), 0);
    ck_assert_uint_eq(r.weight, 1);
    ck_assert_uint_eq(r.state, DISCOVER_PASSING);

    msg = good;
    msg.port = 0;
    expect_refusal(&msg, "port");
    msg = good;
    msg.port = 65536;
    expect_refusal(&msg, "port");
    msg = good;
    msg.priority = 65536;
    expect_refusal(&msg, "priority");
    msg = good;
    msg.weight = 65536;
    expect_refusal(&msg, "weight");
    msg = good;
    msg.ipv4.len = 3;
    expect_refusal(&msg, "ipv4");
    msg = good;
    msg.ipv4.len = 0;
    expect_refusal(&msg, "address");
    msg = good;
    msg.ipv6 = (ProtobufCBinaryData){4, address};
    expect_refusal(&msg, "ipv6");
    msg = good;
    msg.hostname = (char *)"db.example.com";
    expect_refusal(&msg, "both");
    msg.ipv4.len = 0;
    ck_assert_int_eq(record_from_proto(&msg, &r, &why), 0);
    msg.hostname = (char *)"no_name..";
    expect_refusal(&msg, "host name");
    msg = good;
    msg.tags = bad_tag;
    msg.n_tags = 1;
    expect_refusal(&msg, "tags");
}
END_TEST

/* A state that a newer schema has: the instance is known, and gets no traffic. */
START_TEST(test_newer_schema)
{
    uint8_t address[4] = {10, 0, 0, 1};
    Discover__V1__Instance msg = DISCOVER__V1__INSTANCE__INIT;
    msg.port = 80;
    msg.ipv4 = (ProtobufCBinaryData){4, address};
    msg.state = (Discover__V1__State)99;
    uint8_t bytes[256];
    size_t n = discover__v1__instance__pack(&msg, bytes);
    const uint8_t unknown_field[] = {0xfa, 0x3f, 3, 'n', 'e', 'w'}; /* field 1023, length-delimited */
    memcpy(bytes + n, unknown_field, sizeof unknown_field);
    struct record r;
    const char *why;
    ck_assert_int_eq(record_decode(bytes, n + sizeof unknown_field, &r, &why), 0);
    ck_assert_uint_eq(r.state, DISCOVER_MAINTENANCE);
}
END_TEST

START_TEST(test_limits_of_adders)
{
    struct record r;
    record_init(&r);
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(record_add_address(&r, "10.0.0.2"), -EEXIST);
    ck_assert_int_eq(record_add_address(&r, "300.0.0.1"), -EINVAL);
    ck_assert_int_eq(record_add_tag(&r, "a"), 0);
    ck_assert_int_eq(record_add_tag(&r, "a"), -EEXIST);
    char tag[] = "t0";
    for (int i = 1; i < RECORD_TAGS_MAX; i++) {
        tag[1] = (char)('a' + i);
        ck_assert_int_eq(record_add_tag(&r, tag), 0);
    }
    ck_assert_int_eq(record_add_tag(&r, "one-more"), -E2BIG);
    ck_assert_int_eq(record_set_meta(&r, "k", "v"), 0);
    ck_assert_int_eq(record_set_meta(&r, "k", "w"), 0);
    ck_assert_uint_eq(r.n_meta, 1);
    ck_assert_int_eq(record_set_meta(&r, "k=", "v"), -EINVAL);
    ck_assert_int_eq(record_set_meta(&r, "k", "line\nbreak"), -EINVAL);
    ck_assert_int_eq(record_set_meta(&r, "k", "\xed\xa0\x80"), -EINVAL); /* a surrogate */
    ck_assert_int_eq(record_set_meta(&r, "k", "\xc0\xaf"), -EINVAL);     /* overlong */
}
END_TEST

START_TEST(test_lease)
{
    struct lease l = {.epoch = 9,
                      .counter = 4,
                      .min_epoch = 8,
                      .node = 77,
                      .digest = UINT64_MAX,
                      .ttl_ms = 10000,
                      .records = 3,
                      .leaving = 1,
                      .ran_out = 1,
                      .publishes_events = 1,
                      .region = "eu",
                      .zone = "eu-1",
                      .version = "0.1.0",
                      .addresses.families = DISCOVER_HAS_IPV4,
                      .addresses.ipv4 = {10, 0, 0, 1}};
    struct lease back;
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    const char *why = "";
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    ck_assert_int_eq(lease_decode(bytes, n, &back, &why), 0);
    ck_assert_mem_eq(&back, &l, sizeof l);
    l.ttl_ms = 99;
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    ck_assert_int_lt(lease_decode(bytes, n, &back, &why), 0);
    ck_assert_ptr_nonnull(strstr(why, "ttl_ms"));
    l.ttl_ms = 1000, l.min_epoch = 10;
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    ck_assert_int_lt(lease_decode(bytes, n, &back, &why), 0);
    ck_assert_int_lt(lease_decode((const uint8_t *)"{}", 2, &back, &why), 0);
}
END_TEST

/* It is only shown, so a lease is not refused for it; but documents cannot have what is no text. */
START_TEST(test_lease_version_is_text)
{
    struct lease l = {.epoch = 1, .ttl_ms = 10000, .version = "1\xff.\n\xc3\xa4"}, back;
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    const char *why = "";
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    ck_assert_int_eq(lease_decode(bytes, n, &back, &why), 0);
    ck_assert_str_eq(back.version, "1?.?\xc3\xa4");
    Discover__V1__Lease msg = DISCOVER__V1__LEASE__INIT;
    char longer[64] = "";
    memset(longer, '1', sizeof l.version - 2);
    strcat(longer, "\xc3\xa4");
    msg.ttl_ms = 10000, msg.version = longer;
    n = discover__v1__lease__pack(&msg, bytes);
    ck_assert_int_eq(lease_decode(bytes, n, &back, &why), 0);
    ck_assert_str_eq(back.version + sizeof l.version - 3, "1?"); /* cut within a character */
}
END_TEST

START_TEST(test_entry_round_trip_and_cuts)
{
    struct record r = full_record();
    uint8_t bytes[ENTRY_HOST_MAX + ENTRY_MAX];
    struct entry e;
    size_t n = entry_write_host("web-1", "eu-1", "eu", bytes);
    n += entry_write_instance(&r, "p1", bytes + n);
    ck_assert_int_eq(entry_read(bytes, n, &e), 0);
    ck_assert_str_eq(e.host, "web-1");
    ck_assert_str_eq(e.instance, "p1");
    ck_assert_str_eq(e.zone, "eu-1");
    ck_assert_uint_eq(e.n_tags, 2);
    ck_assert_str_eq(e.tags[0], "canary");
    ck_assert_str_eq(e.meta[0].value, "1.4");
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_eq(entry_read(bytes, cut, &e), -EBADMSG);
    struct lease l = {.zone = "z", .region = "r", .addresses.families = DISCOVER_HAS_IPV6};
    struct host_entry h;
    n = host_entry_write(&l, true, bytes);
    ck_assert_int_eq(host_entry_read(bytes, n, &h), 0);
    ck_assert_str_eq(h.region, "r");
    ck_assert_uint_eq(h.alive, 1);
    ck_assert_int_eq(host_entry_read(bytes, n - 1, &h), -EBADMSG);
}
END_TEST

START_TEST(too_many_fields)
{
    uint8_t bytes[2 * (RECORD_FIELDS_MAX + 1)];
    struct record r;
    const char *why = NULL;
    for (size_t i = 0; i < sizeof bytes; i += 2)
        memcpy(bytes + i, "\x62\x00", 2); /* an empty pair */
    ck_assert_int_eq(record_decode(bytes, sizeof bytes, &r, &why), -EINVAL);
    ck_assert_str_eq(why, "of more fields than a record may have");
}
END_TEST

/* Text as other registries have it; in UTF-8 (RFC 3629), without control characters. */
START_TEST(test_tags_are_free_text)
{
    static const char *const good[] =
        {"traefik.http.routers.pay.rule=Host(`pay`)", "https://x/y?z=1", "Canary", "a b", "\u00e4\u4e2d", ","},
                             *const bad[] = {"", "a\n", "\x7f", "\xc3", "\xed\xa0\x80"};
    struct record r;
    char longest[RECORD_TAG_CAP + 1];
    record_init(&r);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(record_add_tag(&r, good[i]) == 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(record_add_tag(&r, bad[i]), -EINVAL);
    memset(longest, 'x', sizeof longest);
    longest[RECORD_TAG_CAP] = '\0';
    ck_assert_int_eq(record_add_tag(&r, longest), -EINVAL);
    longest[RECORD_TAG_CAP - 1] = '\0';
    ck_assert_int_eq(record_add_tag(&r, longest), 0);
}
END_TEST

/* The bytes of a message without one of its fields: what a reader that does not know it sees. */
static size_t without_field(const uint8_t *bytes, size_t n, uint32_t number, uint8_t *ret_bytes)
{
    const uint8_t *at = bytes, *before = bytes;
    struct wire_field f;
    size_t kept = 0;
    for (; wire_next(&at, bytes + n, &f) > 0; before = at) {
        if (f.number == number)
            continue;
        memcpy(ret_bytes + kept, before, (size_t)(at - before));
        kept += (size_t)(at - before);
    }
    return kept;
}

/*
 * Readers of before refuse a record with a tag that is no label. They do not know the field that those stand in, and see the
 * record as if it had only the others.
 */
START_TEST(test_older_readers_survive_free_tags)
{
    struct record r = full_record(), plain = r, back;
    uint8_t bytes[RECORD_WIRE_MAX], seen[RECORD_WIRE_MAX], expected[RECORD_WIRE_MAX];
    size_t n, n_seen, n_expected;
    const char *why;
    ck_assert_int_eq(record_add_tag(&r, "k=v"), 0);
    ck_assert_int_eq(record_add_tag(&r, "Canary"), 0);
    ck_assert_int_eq(record_encode(&r, bytes, &n), 0);
    n_seen = without_field(bytes, n, 13, seen);
    ck_assert_int_eq(record_encode(&plain, expected, &n_expected), 0);
    ck_assert_uint_eq(n_seen, n_expected);
    ck_assert_mem_eq(seen, expected, n_seen);
    ck_assert_int_eq(record_decode(bytes, n, &back, &why), 0);
    ck_assert_uint_eq(back.n_tags, r.n_tags);
    ck_assert_str_eq(back.tags[back.n_tags - 2], "k=v");
}
END_TEST

UNIT_TESTS("record", test_tags_are_free_text, test_older_readers_survive_free_tags, test_round_trip,
           test_entry_round_trip, test_every_cut_is_survived, test_refusals_name_the_field, test_newer_schema,
           test_limits_of_adders, test_lease, test_lease_version_is_text, test_entry_round_trip_and_cuts,
           too_many_fields)
