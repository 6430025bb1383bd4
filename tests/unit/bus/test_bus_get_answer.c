/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to requests for single messages: by any server, and by the leader. */
#include "daemon/bus/bus_get_answer.h"

#include <string.h>

#include "tests/support/unit.h"

#define MAX_VALUE 16
#define TIME      "2026-11-28T22:26:53.5Z"

static const struct bus_stream stream = {.name = "KV_HOSTS", .subjects = "$KV.HOSTS.>"};

/* headers: "Name: value\n" each. */
static natsMsg *message(const char *headers, const char *text)
{
    natsMsg *msg = NULL;
    char copy[512], *rest = copy;
    ck_assert_int_eq(nats_Open(-1), NATS_OK);
    ck_assert_int_eq(natsMsg_Create(&msg, "_INBOX.x", NULL, text, (int)strlen(text)), NATS_OK);
    snprintf(copy, sizeof copy, "%s", headers);
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        char *colon = strstr(line, ": ");
        *colon = '\0';
        ck_assert_int_eq(natsMsgHeader_Add(msg, line, colon + 2), NATS_OK);
    }
    return msg;
}

static enum bus_get_outcome direct(const char *headers, const char *value, struct bus_get_answer *a)
{
    natsMsg *msg = message(headers, value);
    bus_get_direct(msg, &stream, MAX_VALUE, a);
    bus_get_answer_free(a);
    natsMsg_Destroy(msg);
    return a->outcome;
}

START_TEST(direct_answers)
{
    struct bus_get_answer a;
    ck_assert_int_eq(direct("Nats-Subject: $KV.HOSTS.a\nNats-Sequence: 7\nNats-Time-Stamp: " TIME "\n", "v", &a),
                     BUS_GET_MESSAGE);
    ck_assert(a.m.seq == 7 && a.m.kind == KV_PUT && !a.batches);
    ck_assert_int_eq(a.time_ns % 1000000000, 500000000);
    ck_assert_int_eq(direct("Nats-Subject: $KV.HOSTS.a\nNats-Sequence: 7\nNats-Time-Stamp: " TIME
                            "\nNats-Num-Pending: 3\n",
                            "v", &a),
                     BUS_GET_MESSAGE);
    ck_assert(a.batches);
    ck_assert_int_eq(direct("Status: 404\nDescription: Message Not Found\n", "", &a), BUS_GET_NOTHING);
    ck_assert_int_eq(direct("Status: 204\nDescription: EOB\nNats-Num-Pending: 2\nNats-Last-Sequence: 3\n", "", &a),
                     BUS_GET_BATCH_END);
    ck_assert_int_eq(direct("Status: 408\nDescription: Bad Request\n", "", &a), BUS_GET_REFUSED);
    ck_assert_str_eq(a.reason, "408: Bad Request");
    ck_assert_int_eq(direct("Nats-Subject: other\nNats-Sequence: 8\nNats-Time-Stamp: " TIME "\n", "v", &a),
                     BUS_GET_FOREIGN);
    ck_assert_uint_eq(a.m.seq, 8);
}
END_TEST

/* The status line of a stored message is its writer's: none of them ends anything. */
START_TEST(a_status_in_a_message_is_no_status)
{
    static const char *const status[] = {"404", "204", "503", "408"};
    struct bus_get_answer a;
    for (size_t i = 0; i < sizeof status / sizeof *status; i++) {
        char headers[256];
        snprintf(headers, sizeof headers,
                 "Status: %s\nNats-Subject: $KV.HOSTS.a\nNats-Sequence: 7\nNats-Time-Stamp: " TIME "\n", status[i]);
        ck_assert_msg(direct(headers, "", &a) == BUS_GET_MESSAGE && a.m.kind == KV_PUT, "%s", status[i]);
    }
}
END_TEST

static natsMsg *leader_msg;

static enum bus_get_outcome leader(const char *json, struct bus_get_answer *a)
{
    natsMsg_Destroy(leader_msg);
    leader_msg = message("", json);
    bus_get_leader(leader_msg, &stream, MAX_VALUE, a);
    return a->outcome;
}

#define MESSAGE(rest) "{\"message\":{\"subject\":\"$KV.HOSTS.web-1\",\"seq\":7,\"time\":\"" TIME "\"" rest "}}"

START_TEST(the_leader_s_answers)
{
    struct bus_get_answer a;
    ck_assert_int_eq(leader(MESSAGE(",\"data\":\"dmFsdWU=\""), &a), BUS_GET_MESSAGE);
    ck_assert(a.m.kind == KV_PUT && a.m.n == 5 && memcmp(a.m.value, "value", 5) == 0 && a.m.seq == 7);
    ck_assert(a.m.key_len == 5 && memcmp(a.m.key, "web-1", 5) == 0);
    bus_get_answer_free(&a);
    ck_assert(leader(MESSAGE(""), &a) == BUS_GET_MESSAGE && a.m.kind == KV_PUT && a.m.n == 0);
    bus_get_answer_free(&a);
    /* NATS/1.0 Nats-Marker-Reason: MaxAge */
    ck_assert(leader(MESSAGE(",\"hdrs\":\"TkFUUy8xLjANCk5hdHMtTWFya2VyLVJlYXNvbjogTWF4QWdlDQoNCg==\""), &a) ==
                  BUS_GET_MESSAGE &&
              a.m.kind == KV_DELETE);
    bus_get_answer_free(&a);
    /* NATS/1.0 KV-Operation: DEL */
    ck_assert(leader(MESSAGE(",\"data\":\"eA==\",\"hdrs\":\"TkFUUy8xLjANCktWLU9wZXJhdGlvbjogREVMDQoNCg==\""), &a) ==
                  BUS_GET_MESSAGE &&
              a.m.kind == KV_DELETE);
    bus_get_answer_free(&a);
    /* NATS/1.0, Nats-Subject: zz, an empty line, foo: what nats.c cannot read */
    ck_assert(leader(MESSAGE(",\"data\":\"eA==\",\"hdrs\":\"TkFUUy8xLjANCk5hdHMtU3ViamVjdDogenoNCg0KZm9vDQoNCg==\""),
                     &a) == BUS_GET_MESSAGE &&
              a.m.kind == KV_PUT && a.m.key_len == 5);
    bus_get_answer_free(&a);
    ck_assert(leader(MESSAGE(",\"data\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODk=\""), &a) == BUS_GET_MESSAGE &&
              a.m.kind == KV_REFUSED);
    bus_get_answer_free(&a);
    ck_assert_int_eq(leader("{\"error\":{\"code\":404,\"err_code\":10037,\"description\":\"no message found\"}}", &a),
                     BUS_GET_NOTHING);
    bus_get_answer_free(&a);
    ck_assert_int_eq(leader("{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not found\"}}", &a),
                     BUS_GET_REFUSED);
    ck_assert_str_eq(a.reason, "STREAM.MSG.GET: stream not found");
    bus_get_answer_free(&a);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"message\":7}",
        "{\"message\":{}}",
        "{\"message\":{\"subject\":\"$KV.HOSTS.a\",\"seq\":0,\"time\":\"" TIME "\"}}",
        "{\"message\":{\"subject\":\"$KV.HOSTS.a\",\"seq\":-7,\"time\":\"" TIME "\"}}",
        "{\"message\":{\"subject\":\"$KV.HOSTS.a\",\"seq\":7,\"time\":\"yesterday\"}}",
        MESSAGE(",\"data\":\"dmFsdWU\""),
        MESSAGE(",\"data\":\"*!*!\""),
    };
    struct bus_get_answer a;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(leader(texts[i], &a) == BUS_GET_REFUSED, "%s", texts[i]);
        bus_get_answer_free(&a);
    }
    ck_assert_int_eq(leader("{\"message\":{\"subject\":\"$KV.OTHER.a\",\"seq\":7,\"time\":\"" TIME "\"}}", &a),
                     BUS_GET_FOREIGN);
    bus_get_answer_free(&a);
    natsMsg_Destroy(leader_msg);
    leader_msg = NULL;
}
END_TEST

UNIT_TESTS("bus_get_answer", direct_answers, a_status_in_a_message_is_no_status, the_leader_s_answers,
           nonsense_is_refused)
