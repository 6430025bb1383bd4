/* SPDX-License-Identifier: Apache-2.0 */
/* JSON records of foreign writers. */
#include "daemon/catalog/foreign.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define TTL_DEFAULT_S 30
#define TTL_MAX_S     86400
#define PREFIX        "services/"

bool foreign_is(const uint8_t *value, size_t n)
{
    size_t i = 0;
    while (i < n && (value[i] == ' ' || value[i] == '\t' || value[i] == '\n' || value[i] == '\r'))
        i++;
    return i < n && value[i] == '{';
}

int foreign_key_parse(const char *text, size_t n, struct instance_key *ret_key)
{
    struct instance_key key = {.domain = FOREIGN_DOMAIN, .host = FOREIGN_HOST};
    size_t prefix = strlen(PREFIX);
    if (n < prefix || memcmp(text, PREFIX, prefix) != 0)
        return -EINVAL;
    text += prefix;
    n -= prefix;
    const char *slash = memchr(text, '/', n);
    if (!slash || label_copy(key.service, text, (size_t)(slash - text)) < 0 ||
        label_copy(key.instance, slash + 1, n - (size_t)(slash + 1 - text)) < 0)
        return -EINVAL;
    *ret_key = key;
    return 0;
}

/* The first thing that is wrong stops it. */
struct reading {
    const json_t *object;
    struct record *record;
    char *why;
};

static int refuse(struct reading *r, const char *field, const char *why)
{
    snprintf(r->why, FOREIGN_WHY_CAP, "%s: %s", field, why);
    return -EINVAL;
}

static int read_number(struct reading *r, const char *field, int64_t fallback, int64_t min, int64_t max, int64_t *ret)
{
    const json_t *value = json_object_get(r->object, field);
    char why[64];
    *ret = fallback;
    if (!value)
        return 0;
    snprintf(why, sizeof why, "must be a number %lld..%lld", (long long)min, (long long)max);
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return refuse(r, field, why);
    *ret = json_integer_value(value);
    return 0;
}

/* The number that a word stands for; *ret stays when the field is missing. */
static int read_word(struct reading *r, const char *field, int (*number_of)(const char *word, uint8_t *ret_number),
                     uint8_t *ret)
{
    const json_t *value = json_object_get(r->object, field);
    if (!value || (json_is_string(value) && number_of(json_string_value(value), ret) == 0))
        return 0;
    return refuse(r, field, "not one of the known values");
}

static int read_address(struct reading *r, const char *field, const json_t *value)
{
    const char *why;
    if (!json_is_string(value))
        return refuse(r, field, "must be a text");
    return record_add_endpoint(r->record, json_string_value(value), &why) < 0 ? refuse(r, field, why) : 0;
}

static int read_addresses(struct reading *r)
{
    const json_t *list = json_object_get(r->object, "address"), *host = json_object_get(r->object, "host");
    int err = host ? read_address(r, "host", host) : 0;
    if (!list || err)
        return err;
    if (!json_is_array(list))
        return refuse(r, "address", "must be a list");
    for (size_t i = 0; i < json_array_size(list) && !err; i++)
        err = read_address(r, "address", json_array_get(list, i));
    return err;
}

static int read_tags(struct reading *r)
{
    const json_t *tags = json_object_get(r->object, "tags");
    if (tags && !json_is_array(tags))
        return refuse(r, "tags", "must be a list");
    for (size_t i = 0; tags && i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        if (!json_is_string(tag) || record_add_tag(r->record, json_string_value(tag)) < 0)
            return refuse(r, "tags", TAG_RULE);
    }
    return 0;
}

static int read_pair(struct reading *r, const char *key, const json_t *value)
{
    if (!json_is_string(value))
        return refuse(r, "meta", "each must be a text");
    const char *text = json_string_value(value);
    int err = record_set_meta(r->record, key, text);
    if (!err)
        return 0;
    char field[RECORD_META_KEY_CAP + 8];
    snprintf(field, sizeof field, "meta.%s", key);
    return refuse(r, field, err == -E2BIG ? "more than 16" : meta_refused(key, text));
}

static int read_meta(struct reading *r)
{
    json_t *meta = json_object_get(r->object, "meta");
    int err = 0;
    if (meta && !json_is_object(meta))
        return refuse(r, "meta", "must be an object");
    for (void *at = json_object_iter(meta); at && !err; at = json_object_iter_next(meta, at))
        err = read_pair(r, json_object_iter_key(at), json_object_iter_value(at));
    return err;
}

static int read_exported(struct reading *r)
{
    const json_t *value = json_object_get(r->object, "exported");
    if (value && !json_is_boolean(value))
        return refuse(r, "exported", "must be true or false");
    r->record->unexported = json_is_false(value);
    return 0;
}

static int read_all(struct reading *r, int64_t *ret_ttl_s)
{
    struct record *record = r->record;
    int64_t port, weight, priority;
    int err = read_number(r, "port", 0, 1, 65535, &port);
    err = err ? err : read_number(r, "weight", 1, 1, 65535, &weight);
    err = err ? err : read_number(r, "priority", 0, 0, 65535, &priority);
    err = err ? err : read_number(r, "ttl", TTL_DEFAULT_S, 1, TTL_MAX_S, ret_ttl_s);
    err = err ? err : read_word(r, "proto", protocol_of_word, &record->protocol);
    err = err ? err : read_word(r, "state", state_of_word, &record->state);
    err = err ? err : read_addresses(r);
    err = err ? err : read_tags(r);
    err = err ? err : read_meta(r);
    err = err ? err : read_exported(r);
    if (err)
        return err;
    record->port = (uint16_t)port;
    record->weight = (uint32_t)weight;
    record->priority = (uint16_t)priority;
    return 0;
}

static void copy_text(const json_t *object, const char *field, char *ret_text, size_t cap)
{
    const json_t *value = json_object_get(object, field);
    snprintf(ret_text, cap, "%s", json_is_string(value) ? json_string_value(value) : value ? "?" : "");
}

int foreign_decode(const uint8_t *value, size_t n, uint64_t seq, struct record *ret_record,
                   struct foreign_extras *ret_extras, char ret_why[static FOREIGN_WHY_CAP])
{
    json_error_t error;
    const char *why;
    int64_t ttl_s;
    json_t *object = json_loadb((const char *)value, n, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        snprintf(ret_why, FOREIGN_WHY_CAP, "not JSON: %.80s (position %d)", error.text, error.position);
        return -EINVAL;
    }
    record_init(ret_record);
    struct reading r = {object, ret_record, ret_why};
    int err = read_all(&r, &ttl_s);
    if (!err && record_check(ret_record, &why) < 0) {
        snprintf(ret_why, FOREIGN_WHY_CAP, "%s", why);
        err = -EINVAL;
    }
    if (!err) { /* a bad trace context is no reason to refuse the record */
        copy_text(object, "traceparent", ret_extras->traceparent, sizeof ret_extras->traceparent);
        copy_text(object, "tracestate", ret_extras->tracestate, sizeof ret_extras->tracestate);
    }
    json_decref(object);
    if (err)
        return err;
    ret_record->epoch = 1;
    ret_record->counter = seq;
    ret_extras->ttl_ns = ttl_s * NS_PER_S;
    return 0;
}
