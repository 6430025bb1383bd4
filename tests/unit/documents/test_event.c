/* SPDX-License-Identifier: Apache-2.0 */
/* What is told, as it looks in a subject and as JSON. */
#include "daemon/documents/event.h"

#include <errno.h>
#include <string.h>

#include "discover/discover.h"
#include "tests/support/unit.h"

static struct event whole(enum event_type type)
{
    static const struct addresses addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 1}};
    return (struct event){.type = type,
                          .id = 0x1234,
                          .time_ms = 1700000000042,
                          .publisher = "web-1",
                          .region = "eu",
                          .host = "web-2",
                          .domain = "shop",
                          .service = "payment",
                          .instance = "p1",
                          .state = DISCOVER_PASSING,
                          .was = DISCOVER_CRITICAL,
                          .port = 8080,
                          .addresses = &addresses,
                          .reason = "why"};
}

START_TEST(words_are_those_of_a_table)
{
    for (int i = 0; i < EVENT_TYPES; i++) {
        enum event_type type;
        ck_assert(event_type_help((enum event_type)i)[0]);
        ck_assert_int_eq(event_type_of_word(event_type_word((enum event_type)i), &type), 0);
        ck_assert_int_eq((int)type, i);
    }
    ck_assert_int_eq(event_type_of_word("no-such", &(enum event_type){0}), -EINVAL);
}
END_TEST

START_TEST(subjects)
{
    char subject[EVENT_SUBJECT_CAP];
    struct event e = whole(EVENT_INSTANCE_UP);
    event_subject(&e, subject);
    ck_assert_str_eq(subject, "discover.eu.event.web-1.shop.payment.instance-up");
    e.type = EVENT_HOST_LOST;
    event_subject(&e, subject);
    ck_assert_str_eq(subject, "discover.eu.event.web-1._._.host-lost");
}
END_TEST

START_TEST(of_regions)
{
    struct event e = {.type = EVENT_FAILOVER_BEGUN,
                      .publisher = "web-1",
                      .region = "eu",
                      .host = "web-1",
                      .domain = "shop",
                      .service = "payment",
                      .answers = "us",
                      .answered = "eu",
                      .reason = "why"};
    char subject[EVENT_SUBJECT_CAP];
    event_subject(&e, subject);
    ck_assert_str_eq(subject, "discover.eu.event.web-1.shop.payment.failover-begun");
    json_t *document = event_document(&e);
    ck_assert_str_eq(json_string_value(json_object_get(document, "service")), "shop/payment");
    ck_assert_str_eq(json_string_value(json_object_get(document, "answers")), "us");
    ck_assert_str_eq(json_string_value(json_object_get(document, "answered")), "eu");
    ck_assert_ptr_null(json_object_get(document, "state"));
    json_decref(document);
    e = (struct event){
        .type = EVENT_REGION_BACK, .publisher = "web-1", .region = "eu", .host = "web-1", .other_region = "us"};
    event_subject(&e, subject);
    ck_assert_str_eq(subject, "discover.eu.event.web-1._._.region-back");
    document = event_document(&e);
    ck_assert_str_eq(json_string_value(json_object_get(document, "other_region")), "us");
    ck_assert(json_is_integer(json_object_get(document, "lost_ms")));
    json_decref(document);
}
END_TEST

START_TEST(documents)
{
    struct event e = whole(EVENT_INSTANCE_STATE);
    char *text;
    json_t *document = event_document(&e);
    text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, "{\"host\":\"web-2\",\"id\":\"0000000000001234\",\"instance\":\"p1\",\"ipv4\":\"10.0.0.1\","
                           "\"port\":8080,\"publisher\":\"web-1\",\"reason\":\"why\",\"region\":\"eu\","
                           "\"service\":\"shop/payment\",\"state\":\"passing\",\"time\":\"2023-11-14T22:13:20.042Z\","
                           "\"time_ms\":1700000000042,\"type\":\"instance-state\",\"was\":\"critical\"}");
    free(text);
    json_decref(document);
    e = (struct event){.type = EVENT_GUARD_OFF, .publisher = "web-1", .region = "eu", .host = "web-1"};
    document = event_document(&e);
    ck_assert(json_is_integer(json_object_get(document, "held"))); /* though it is 0 */
    ck_assert_ptr_null(json_object_get(document, "service"));
    ck_assert_ptr_null(json_object_get(document, "lost_ms"));
    json_decref(document);
}
END_TEST

UNIT_TESTS("documents/event", words_are_those_of_a_table, subjects, of_regions, documents)
