/* SPDX-License-Identifier: Apache-2.0 */
/* The document of a status has all that the message says: nothing that is added there is left out for want of a word here. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/documents/documents.h"
#include "tests/support/unit.h"

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found ? found : "(none)";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_is_integer(json_object_get(object, key)) ? json_integer_value(json_object_get(object, key)) : -77;
}

/* Its keys, those of an object within counted for it. */
static size_t count_keys(const json_t *object)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)object, key, value) n += json_object_size(value) ? json_object_size(value) : 1;
    return n;
}

#define ASSERT_WHOLE(document, message, more)                                                                          \
    ck_assert_uint_eq(count_keys(document), (message).base.descriptor->n_fields + (more))

START_TEST(each_field_is_there)
{
    Discover__V1__BucketStatus b = DISCOVER__V1__BUCKET_STATUS__INIT, *buckets = &b;
    Discover__V1__RegionStatus r = DISCOVER__V1__REGION_STATUS__INIT, *regions = &r;
    Discover__V1__Refusal f = DISCOVER__V1__REFUSAL__INIT, *refused = &f;
    Discover__V1__TopWriter w = DISCOVER__V1__TOP_WRITER__INIT, *writers = &w;
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    s.buckets = &buckets, s.n_buckets = 1;
    s.regions = &regions, s.n_regions = 1;
    s.refused = &refused, s.n_refused = 1;
    s.top_writers = &writers, s.n_top_writers = 1;
    json_t *document = status_document(&s);
    ASSERT_WHOLE(document, s, 3); /* and condition, summary, problems */
    ASSERT_WHOLE(json_array_get(json_object_get(document, "buckets"), 0), b, 0);
    ASSERT_WHOLE(json_array_get(json_object_get(document, "regions"), 0), r, 0);
    ASSERT_WHOLE(json_array_get(json_object_get(document, "refused"), 0), f, 0);
    ASSERT_WHOLE(json_array_get(json_object_get(document, "top_writers"), 0), w, 0);
    json_decref(document);
}
END_TEST

START_TEST(each_type_of_value)
{
    static char *lacks[] = {(char *)"max_bytes is not set", (char *)"deny_purge is not set"};
    Discover__V1__BucketStatus bucket = DISCOVER__V1__BUCKET_STATUS__INIT, *buckets = &bucket;
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    bucket.name = (char *)"SERVICES", bucket.bytes = UINT64_C(1) << 40, bucket.full = 1;
    bucket.lacks = lacks, bucket.n_lacks = 2;
    s.buckets = &buckets, s.n_buckets = 1;
    s.host = (char *)"web-1", s.stale_ms = -1, s.hosts = UINT32_MAX, s.bus_connected = 1, s.held = 3, s.held_ms = 500;
    json_t *document = status_document(&s), *b = json_array_get(json_object_get(document, "buckets"), 0);
    ck_assert_str_eq(text(document, "host"), "web-1");
    ck_assert_int_eq(number(document, "stale_ms"), -1);
    ck_assert_int_eq(number(document, "hosts"), UINT32_MAX);
    ck_assert(json_is_true(json_object_get(json_object_get(document, "bus"), "connected")));
    ck_assert_int_eq(number(json_object_get(document, "held"), "hosts"), 3);
    ck_assert_int_eq(number(json_object_get(document, "held"), "ms"), 500);
    ck_assert_str_eq(text(b, "name"), "SERVICES");
    ck_assert_int_eq(number(b, "bytes"), INT64_C(1) << 40);
    ck_assert(json_is_true(json_object_get(b, "full")));
    ck_assert_uint_eq(json_array_size(json_object_get(b, "lacks")), 2);
    ck_assert_str_eq(text(document, "condition"), "critical");
    ck_assert_ptr_nonnull(strstr(text(document, "summary"), "(and "));
    json_decref(document);
}
END_TEST

START_TEST(what_operators_have_set)
{
    Discover__V1__Override o = DISCOVER__V1__OVERRIDE__INIT, *overrides = &o;
    Discover__V1__Failover f = DISCOVER__V1__FAILOVER__INIT, *failovers = &f;
    Discover__V1__RegionStatus r = DISCOVER__V1__REGION_STATUS__INIT, *regions = &r;
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    o.service = (char *)"shop/payment", o.state = DISCOVER__V1__STATE__DRAINING;
    f.service = (char *)"shop/db", f.forced = 1;
    r.name = (char *)"b", r.mirror_snapshots = 4;
    s.region = (char *)"a", s.sync = (char *)"live";
    s.overrides = &overrides, s.n_overrides = 1;
    s.failovers = &failovers, s.n_failovers = 1;
    s.regions = &regions, s.n_regions = 1;
    json_t *document = status_document(&s), *one = json_array_get(json_object_get(document, "overrides"), 0);
    ck_assert_str_eq(text(one, "state"), "draining");
    ck_assert_ptr_null(json_object_get(one, "grace_ms"));
    one = json_array_get(json_object_get(document, "failovers"), 0);
    ck_assert_str_eq(text(one, "at"), "a"); /* the own one has a name as well */
    ck_assert_str_eq(text(one, "region"), "a");
    one = json_array_get(json_object_get(document, "regions"), 0);
    ck_assert_str_eq(text(one, "region"), "b");
    ck_assert_ptr_null(json_object_get(one, "name"));
    ck_assert_int_eq(number(one, "mirror_snapshots"), 4);
    json_decref(document);
    o.over = 1;
    document = status_document(&s);
    ck_assert_int_eq(number(json_array_get(json_object_get(document, "overrides"), 0), "grace_ms"), 0);
    json_decref(document);
    document = regions_document(&s);
    ck_assert_str_eq(text(document, "region"), "a");
    ck_assert_str_eq(text(document, "sync"), "live");
    json_decref(document);
}
END_TEST

/* Sets each text of a message, and of the messages in its lists, of which it has one each. */
static void set_texts(ProtobufCMessage *message, char *text)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        void *member = (char *)message + f->offset;
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        if (f->type == PROTOBUF_C_TYPE_STRING && !list)
            *(char **)member = text;
        else if (f->type == PROTOBUF_C_TYPE_STRING)
            (*(char ***)member)[0] = text;
        else if (f->type == PROTOBUF_C_TYPE_MESSAGE && list)
            set_texts((*(ProtobufCMessage ***)member)[0], text);
    }
}

static json_t *whole_document(char *text)
{
    Discover__V1__BucketStatus b = DISCOVER__V1__BUCKET_STATUS__INIT, *buckets = &b;
    Discover__V1__RegionStatus r = DISCOVER__V1__REGION_STATUS__INIT, *regions = &r;
    Discover__V1__Refusal f = DISCOVER__V1__REFUSAL__INIT, *refused = &f;
    Discover__V1__TopWriter w = DISCOVER__V1__TOP_WRITER__INIT, *writers = &w;
    Discover__V1__Override o = DISCOVER__V1__OVERRIDE__INIT, *overrides = &o;
    Discover__V1__Failover a = DISCOVER__V1__FAILOVER__INIT, *failovers = &a;
    Discover__V1__Counter c = DISCOVER__V1__COUNTER__INIT, *counters = &c;
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    char *lacks[1], *listen_problems[1];
    s.buckets = &buckets, s.n_buckets = b.n_lacks = s.n_listen_problems = 1;
    b.lacks = lacks, s.listen_problems = listen_problems;
    s.regions = &regions, s.n_regions = 1;
    s.refused = &refused, s.n_refused = 1;
    s.top_writers = &writers, s.n_top_writers = 1;
    s.overrides = &overrides, s.n_overrides = 1;
    s.failovers = &failovers, s.n_failovers = a.forced = 1;
    s.counters = &counters, s.n_counters = 1;
    set_texts(&s.base, text);
    c.name = (char *)"discoverd_x_total"; /* a name of our own, and a key */
    return status_document(&s);
}

/* A server's reason, a file's name or a cut text may end within a character: it is shown, and nothing is left out for it. */
START_TEST(what_is_no_utf8_is_replaced)
{
    json_t *expected = whole_document((char *)"a?b?"), *document = whole_document((char *)"a\xff"
                                                                                          "b\xc3");
    char *is = json_dumps(document, JSON_SORT_KEYS), *should = json_dumps(expected, JSON_SORT_KEYS);
    ck_assert_str_eq(is, should);
    free(is);
    free(should);
    json_decref(document);
    json_decref(expected);
}
END_TEST

UNIT_TESTS("documents/status", each_field_is_there, each_type_of_value, what_operators_have_set,
           what_is_no_utf8_is_replaced)
