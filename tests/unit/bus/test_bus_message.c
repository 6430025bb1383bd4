/* SPDX-License-Identifier: Apache-2.0 */
/* What a message says, and what its writer cannot make it say. Headers stand in the order in which they arrive. */
#include "daemon/bus/bus_message.h"

#include <string.h>

#include "tests/support/unit.h"

#define MAX_VALUE 16
#define FEED      "discover.local.services."
#define KEY       "shop.pay.web-1.p1"
#define STORED    "$KV.SERVICES." KEY
#define TIME      "2026-11-28T22:26:53.015486079Z"

static const struct bus_stream stream = {
    .name = "KV_SERVICES", .subjects = "$KV.SERVICES.>", .destination = FEED ">", .traced = true};

struct header {
    const char *name, *value;
};

static natsMsg *message(const char *subject, const char *value, const struct header *headers)
{
    natsMsg *msg = NULL;
    ck_assert_int_eq(nats_Open(-1), NATS_OK);
    ck_assert_int_eq(natsMsg_Create(&msg, subject, NULL, value, (int)strlen(value)), NATS_OK);
    for (; headers && headers->name; headers++)
        ck_assert_int_eq(natsMsgHeader_Add(msg, headers->name, headers->value), NATS_OK);
    return msg;
}

static enum bus_message_verdict live(const char *subject, const char *value, const struct header *headers,
                                     struct kv_message *ret_m)
{
    natsMsg *msg = message(subject, value, headers);
    enum bus_message_verdict verdict = bus_message_live(msg, &stream, MAX_VALUE, ret_m);
    if (verdict == BUS_MESSAGE_OK)
        ck_assert(ret_m->key_len <= BUS_KEY_MAX);
    natsMsg_Destroy(msg);
    return verdict;
}

static enum bus_message_verdict got(const char *value, const struct header *headers, struct kv_message *ret_m,
                                    int64_t *ret_time_ns)
{
    natsMsg *msg = message("_INBOX.web-2.x.pull.1", value, headers);
    enum bus_message_verdict verdict = bus_message_got(msg, &stream, MAX_VALUE, ret_m, ret_time_ns);
    natsMsg_Destroy(msg);
    return verdict;
}

#define SERVER                                                                                                         \
    {"Nats-Stream", "KV_SERVICES"}, {"Nats-Subject", STORED},                                                          \
    {                                                                                                                  \
        "Nats-Sequence", "7"                                                                                           \
    }

START_TEST(live_is_what_the_server_says)
{
    struct kv_message m;
    const struct header plain[] = {SERVER, {"Nats-Last-Sequence", "3"}, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "value", plain, &m), BUS_MESSAGE_OK);
    ck_assert(m.kind == KV_PUT && m.n == 5 && m.seq == 7 && m.key_len == strlen(KEY) && m.stored_ns == 0);
    const struct header stamped[] = {SERVER, {"Nats-Time-Stamp", TIME}, {NULL, NULL}}; /* of 2.10 and newer */
    ck_assert_int_eq(live(FEED KEY, "value", stamped, &m), BUS_MESSAGE_OK);
    ck_assert_int_eq(m.stored_ns % 1000000000, 15486079);
    const struct header deleted[] = {{"KV-Operation", "DEL"}, SERVER, {NULL, NULL}};
    ck_assert(live(FEED KEY, "x", deleted, &m) == BUS_MESSAGE_OK && m.kind == KV_DELETE);
    ck_assert(live(FEED KEY, "", deleted, &m) == BUS_MESSAGE_OK && m.kind == KV_DELETE);
    const struct header passing[] = {{"Nats-TTL", "15s"}, {"Nats-TTL", "1h"}, SERVER, {NULL, NULL}};
    ck_assert(m.ttl_ns == 0 && live(FEED KEY, "value", passing, &m) == BUS_MESSAGE_OK && m.kind == KV_PUT);
    ck_assert_int_eq(m.ttl_ns, INT64_C(15000000000));
    const struct header expired[] = {{"Nats-Marker-Reason", "MaxAge"}, SERVER, {NULL, NULL}};
    ck_assert(live(FEED KEY, "", expired, &m) == BUS_MESSAGE_OK && m.kind == KV_DELETE);
    /* Somebody's empty value says nothing of the key. */
    ck_assert(live(FEED KEY, "", plain, &m) == BUS_MESSAGE_OK && m.kind == KV_PUT && m.n == 0);
    ck_assert(live(FEED KEY, "seventeen letters", plain, &m) == BUS_MESSAGE_OK && m.kind == KV_REFUSED && m.n == 0);
}
END_TEST

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* As its writer gave it, whatever it is: who reads it judges. No delete or refused value has one to be told of. */
START_TEST(a_trace_context_is_the_writers_first)
{
    struct kv_message m;
    const struct header traced[] = {{"traceparent", TRACEPARENT}, {"tracestate", "a=1"}, SERVER,
                                    {"Nats-Time-Stamp", TIME},    {"traceparent", "x"},  {NULL, NULL}};
    natsMsg *msg = message(FEED KEY, "v", traced);
    ck_assert_int_eq(bus_message_live(msg, &stream, MAX_VALUE, &m), BUS_MESSAGE_OK);
    ck_assert_str_eq(m.traceparent, TRACEPARENT);
    ck_assert_str_eq(m.tracestate, "a=1");
    ck_assert_int_eq(m.stored_ns / 1000000000, 1795904813);
    struct bus_stream other = stream;
    other.traced = false;
    ck_assert_int_eq(bus_message_live(msg, &other, MAX_VALUE, &m), BUS_MESSAGE_OK);
    ck_assert_ptr_null(m.traceparent);
    natsMsg_Destroy(msg);
    msg = message(STORED, "v", traced);
    ck_assert_int_eq(bus_message_pulled(msg, &stream, MAX_VALUE, &m), BUS_MESSAGE_OK);
    ck_assert_str_eq(m.traceparent, TRACEPARENT);
    natsMsg_Destroy(msg);
    const struct header alone[] = {{"tracestate", "a=1"}, SERVER, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "v", alone, &m), BUS_MESSAGE_OK);
    ck_assert(!m.traceparent && !m.tracestate && !m.stored_ns);
    ck_assert(live(FEED KEY, "seventeen letters", traced, &m) == BUS_MESSAGE_OK && !m.traceparent);
}
END_TEST

/* A message that was stored under one subject and delivered into our feed keeps that subject. */
START_TEST(live_compares_the_whole_prefix)
{
    static const char *const foreign[] = {
        STORED,
        "$KV.SERVICES.xxxxxxxxxxx.shop.pay.web-1.p1", /* a key behind as many octets as our prefix has */
        "discover.local.services",
        "discover.local.services.",
        "discover.local.hosts.web-1",
        "discover.other.services." KEY,
        "discover.local.servicesx" KEY,
        "d",
        "x.discover.local.services." KEY,
    };
    const struct header plain[] = {SERVER, {NULL, NULL}};
    struct kv_message m;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        ck_assert_msg(live(foreign[i], "v", plain, &m) == BUS_MESSAGE_FOREIGN, "%s", foreign[i]);
}
END_TEST

START_TEST(live_takes_the_last_of_two_headers)
{
    struct kv_message m;
    const struct header forged[] = {{"Nats-Stream", "KV_OTHER"},
                                    {"Nats-Subject", "$KV.SERVICES.shop.pay.web-2.p1"},
                                    {"Nats-Sequence", "1000000"},
                                    {"Nats-Sequence", "18446744073709551615"},
                                    {"Nats-Last-Sequence", "999999"},
                                    {"Nats-Time-Stamp", "1970-01-01T00:00:00Z"},
                                    SERVER,
                                    {"Nats-Last-Sequence", "3"},
                                    {NULL, NULL}};
    ck_assert(live(FEED KEY, "v", forged, &m) == BUS_MESSAGE_OK && m.seq == 7);
    const struct header cased[] = {
        {"nats-sequence", "9"}, {"NATS-SEQUENCE", "9"}, {"Nats-sequence", "9"}, SERVER, {NULL, NULL}};
    ck_assert(live(FEED KEY, "v", cased, &m) == BUS_MESSAGE_OK && m.seq == 7);
    const struct header after[] = {SERVER, {"nats-sequence", "9"}, {"NATS-SUBJECT", "x"}, {NULL, NULL}};
    ck_assert(live(FEED KEY, "v", after, &m) == BUS_MESSAGE_OK && m.seq == 7);
    const struct header hidden[] = {{"Nats-Stream", "KV_OTHER"},
                                    {"X", "aNats-Stream: KV_SERVICES"},
                                    {"Nats-Subject", STORED},
                                    {"Nats-Sequence", "7"},
                                    {NULL, NULL}};
    ck_assert(live(FEED KEY, "v", hidden, &m) == BUS_MESSAGE_OK && m.seq == 7);
}
END_TEST

START_TEST(live_without_a_good_header_is_foreign)
{
    static const char *const numbers[] = {"",
                                          "0",
                                          "-1",
                                          "+7",
                                          " 7",
                                          "7 ",
                                          "\t7",
                                          "0x7",
                                          "7.0",
                                          "seven",
                                          "18446744073709551616",
                                          "99999999999999999999999"};
    struct kv_message m;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct header headers[] = {{"Nats-Subject", STORED}, {"Nats-Sequence", numbers[i]}, {NULL, NULL}};
        ck_assert_msg(live(FEED KEY, "v", headers, &m) == BUS_MESSAGE_FOREIGN, "'%s'", numbers[i]);
    }
    const struct header none[] = {{"Nats-Subject", STORED}, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "v", none, &m), BUS_MESSAGE_FOREIGN);
    const struct header lower[] = {{"nats-subject", STORED}, {"nats-sequence", "7"}, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "v", lower, &m), BUS_MESSAGE_FOREIGN);
    const struct header other[] = {
        {"Nats-Subject", "$KV.SERVICES.shop.pay.web-2.p1"}, {"Nats-Sequence", "7"}, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "v", other, &m), BUS_MESSAGE_FOREIGN);
    const struct header bucket[] = {{"Nats-Subject", "$KV.OTHER." KEY}, {"Nats-Sequence", "7"}, {NULL, NULL}};
    ck_assert_int_eq(live(FEED KEY, "v", bucket, &m), BUS_MESSAGE_FOREIGN);
    ck_assert_int_eq(live(FEED KEY, "v", NULL, &m), BUS_MESSAGE_FOREIGN);
}
END_TEST

START_TEST(pulled_has_the_bucket_s_whole_prefix)
{
    static const char *const foreign[] = {
        "$KV.HOSTS.web-1", "$KV.SERVICES.", "$KV.SERVICES", "$KV", "x", ("discover.local.services." KEY)};
    struct kv_message m;
    natsMsg *msg = message(STORED, "v", NULL);
    ck_assert_int_eq(bus_message_pulled(msg, &stream, MAX_VALUE, &m), BUS_MESSAGE_OK);
    ck_assert(m.key_len == strlen(KEY) && memcmp(m.key, KEY, m.key_len) == 0);
    natsMsg_Destroy(msg);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        msg = message(foreign[i], "v", NULL);
        ck_assert_msg(bus_message_pulled(msg, &stream, MAX_VALUE, &m) == BUS_MESSAGE_FOREIGN, "%s", foreign[i]);
        natsMsg_Destroy(msg);
    }
}
END_TEST

START_TEST(a_direct_get_is_what_the_server_says)
{
    struct kv_message m;
    int64_t time_ns;
    const struct header forged[] = {{"Nats-Subject", "$KV.SERVICES.shop.pay.web-2.p1"},
                                    {"Nats-Sequence", "99"},
                                    {"Nats-Time-Stamp", "2099-01-01T00:00:00Z"},
                                    SERVER,
                                    {"Nats-Time-Stamp", TIME},
                                    {NULL, NULL}};
    ck_assert_int_eq(got("v", forged, &m, &time_ns), BUS_MESSAGE_OK);
    ck_assert(m.seq == 7 && m.kind == KV_PUT);
    ck_assert_int_eq(time_ns, INT64_C(1795904813015486079));
    const struct header other[] = {
        {"Nats-Subject", "$KV.HOSTS.web-1"}, {"Nats-Sequence", "7"}, {"Nats-Time-Stamp", TIME}, {NULL, NULL}};
    ck_assert_int_eq(got("v", other, &m, &time_ns), BUS_MESSAGE_FOREIGN);
    const struct header timeless[] = {SERVER, {NULL, NULL}};
    ck_assert_int_eq(got("v", timeless, &m, &time_ns), BUS_MESSAGE_FOREIGN);
    const struct header short_one[] = {
        {"Nats-Subject", "$KV"}, {"Nats-Sequence", "7"}, {"Nats-Time-Stamp", TIME}, {NULL, NULL}};
    ck_assert_int_eq(got("v", short_one, &m, &time_ns), BUS_MESSAGE_FOREIGN);
}
END_TEST

START_TEST(a_long_key_is_refused_and_not_cut_into_another)
{
    char subject[600] = FEED, stored[600] = "$KV.SERVICES.", key[BUS_KEY_MAX + 2];
    struct kv_message m;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    strcat(subject, key);
    strcat(stored, key);
    const struct header headers[] = {{"Nats-Subject", stored}, {"Nats-Sequence", "7"}, {NULL, NULL}};
    ck_assert_int_eq(live(subject, "v", headers, &m), BUS_MESSAGE_OK);
    ck_assert(m.kind == KV_REFUSED && m.key_len == BUS_KEY_MAX && m.seq == 7);
}
END_TEST

START_TEST(bare_is_what_ends_a_streamed_answer)
{
    const struct header marker[] = {{"KV-Operation", "DEL"}, {NULL, NULL}};
    natsMsg *msgs[] = {message(STORED, "", NULL), message(STORED, "", marker), message(STORED, "v", NULL)};
    ck_assert(bus_message_bare(msgs[0]) && !bus_message_bare(msgs[1]) && !bus_message_bare(msgs[2]));
    for (size_t i = 0; i < sizeof msgs / sizeof *msgs; i++)
        natsMsg_Destroy(msgs[i]);
}
END_TEST

UNIT_TESTS("bus_message", live_is_what_the_server_says, a_trace_context_is_the_writers_first,
           live_compares_the_whole_prefix, live_takes_the_last_of_two_headers, live_without_a_good_header_is_foreign,
           pulled_has_the_bucket_s_whole_prefix, a_direct_get_is_what_the_server_says,
           a_long_key_is_refused_and_not_cut_into_another, bare_is_what_ends_a_streamed_answer)
