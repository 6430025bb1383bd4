/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the buckets' streams. */
#include "daemon/bus/bus_settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

/* The server remembers message ids for two minutes, and refuses a stream whose messages live shorter than that. */
#define DUPLICATES_NS (120 * NS_PER_S)

struct report {
    const struct bus_stream *want;
    json_t *have;
    struct bus_settings *settings;
};

static void __attribute__((format(printf, 2, 3))) lacks(const struct report *r, const char *format, ...)
{
    char *text = r->settings->lacks;
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + used, BUS_LACKS_CAP - used, format, args);
    va_end(args);
    if (n < 0 || used + (size_t)n + 2 > BUS_LACKS_CAP)
        text[used] = '\0'; /* a whole sentence or none */
    else
        memcpy(text + used + n, "\n", 2);
}

static long long number(const struct report *r, const char *name)
{
    return json_integer_value(json_object_get(r->have, name));
}

static bool is_on(const struct report *r, const char *name)
{
    return json_is_true(json_object_get(r->have, name));
}

static const char *word(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "missing";
}

static void read_subjects(const struct report *r)
{
    json_t *subjects = json_object_get(r->have, "subjects");
    const char *first = json_string_value(json_array_get(subjects, 0));
    if (json_array_size(subjects) != 1 || !first || strcmp(first, r->want->subjects) != 0)
        lacks(r, "its subject is %s, must be %s", first ? first : "missing", r->want->subjects);
}

static void read_republish(const struct report *r)
{
    json_t *have = json_object_get(r->have, "republish");
    if (!json_is_object(have))
        lacks(r, "republish is not set: changes reach nobody until they are polled; make the bucket anew");
    else if (strcmp(word(have, "src"), r->want->subjects) != 0 || strcmp(word(have, "dest"), r->want->destination) != 0)
        lacks(r, "republish is from %s to %s, must be from %s to %s", word(have, "src"), word(have, "dest"),
              r->want->subjects, r->want->destination);
    else if (json_is_true(json_object_get(have, "headers_only")))
        lacks(r, "republish has headers only: values do not arrive");
}

/* One message of anybody who may write a single key would empty the whole bucket: better none than that. */
static void read_rollup(const struct report *r)
{
    if (number(r, "subject_delete_marker_ttl") > 0)
        snprintf(r->settings->refused, BUS_REASON_CAP,
                 "subject_delete_marker_ttl is set: it lets any writer wipe the whole bucket (allow_rollup_hdrs)");
    else if (is_on(r, "allow_rollup_hdrs"))
        snprintf(r->settings->refused, BUS_REASON_CAP,
                 "allow_rollup_hdrs is on: any writer can wipe the whole bucket with one message");
}

static void read_switches(const struct report *r)
{
    if (is_on(r, "sealed"))
        lacks(r, "it is sealed: nothing can be written to it");
    if (!is_on(r, "deny_delete"))
        lacks(r, "deny_delete is off: whoever may use the API can take out single records");
    if (!is_on(r, "deny_purge"))
        lacks(r, "deny_purge is off: whoever may use the API can empty it");
    r->settings->direct = is_on(r, "allow_direct");
    if (!r->settings->direct)
        lacks(r, "allow_direct is off: hosts that may not make consumers cannot read it");
    if (strcmp(word(r->have, "discard"), "new") != 0)
        lacks(r, "discard is %s, must be new: a full bucket forgets records instead of refusing new ones",
              word(r->have, "discard"));
    if (strcmp(word(r->have, "storage"), "file") != 0)
        lacks(r, "storage is %s, must be file: it is empty after a restart of its server", word(r->have, "storage"));
}

static void read_numbers(const struct report *r)
{
    r->settings->max_per_key = number(r, "max_msgs_per_subject");
    if (r->settings->max_per_key != 1)
        lacks(r, "max_msgs_per_subject is %lld, should be 1", number(r, "max_msgs_per_subject"));
    r->settings->replicas = (int)number(r, "num_replicas");
    if (number(r, "num_replicas") != r->want->replicas)
        lacks(r, "num_replicas is %lld, configured are %d", number(r, "num_replicas"), r->want->replicas);
    if (number(r, "max_age") != r->want->max_age_ns)
        lacks(r, "max_age is %lld s, configured are %lld s", number(r, "max_age") / NS_PER_S,
              (long long)(r->want->max_age_ns / NS_PER_S));
}

static void read_limits(const struct report *r)
{
    long long bytes = number(r, "max_bytes"), messages = number(r, "max_msgs"), size = number(r, "max_msg_size");
    r->settings->max_bytes = bytes > 0 ? bytes : -1;
    r->settings->max_messages = messages > 0 ? messages : -1;
    if (bytes <= 0)
        lacks(r, "max_bytes is not set: it can fill its server's disk; configured are %lld",
              (long long)r->want->max_bytes);
    else if (bytes < r->want->max_bytes)
        lacks(r, "max_bytes is %lld, configured are %lld", bytes, (long long)r->want->max_bytes);
    if (size <= 0)
        lacks(r,
              "max_msg_size is not set: records of any size are stored, to be refused by every reader; should be %lld",
              (long long)r->want->max_message_size);
    else if (size < r->want->max_message_size)
        lacks(r, "max_msg_size is %lld: it does not store records as large as limits.record_bytes allows (%lld)", size,
              (long long)r->want->max_message_size);
}

/* The server itself writes the level of its API into the metadata, from 2.11 on. */
static void read_message_ttl(const struct report *r)
{
    json_t *metadata = json_object_get(r->have, "metadata");
    bool offered = json_is_string(json_object_get(metadata, "_nats.level"));
    r->settings->message_ttl = is_on(r, "allow_msg_ttl");
    if (offered && !r->settings->message_ttl)
        lacks(r, "allow_msg_ttl is off: what was deleted takes up room until max_age");
}

void bus_settings_read(const struct bus_stream *want, json_t *config, struct bus_settings *ret_settings)
{
    const struct report r = {want, config, ret_settings};
    *ret_settings = (struct bus_settings){0};
    snprintf(ret_settings->description, sizeof ret_settings->description, "%s", word(config, "description"));
    ret_settings->max_age_ns = number(&r, "max_age");
    read_rollup(&r);
    read_subjects(&r);
    read_republish(&r);
    read_switches(&r);
    read_numbers(&r);
    read_limits(&r);
    read_message_ttl(&r);
}

/* Servers before 2.11 drop what they do not know; whether it was taken stands in the settings they answer with. */
char *bus_settings_request(const struct bus_stream *want)
{
    int64_t duplicates_ns = want->max_age_ns < DUPLICATES_NS ? want->max_age_ns : DUPLICATES_NS;
    json_t *root = json_pack("{s:s, s:s, s:[s], s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:s, s:s, s:i, s:b, s:b, s:b, "
                             "s:b, s:b, s:{s:s, s:s}}",
                             "name", want->name, "description", "discoverd", "subjects", want->subjects, "retention",
                             "limits", "max_consumers", -1, "max_msgs", -1, "max_msgs_per_subject", 1, "max_bytes",
                             (json_int_t)want->max_bytes, "max_msg_size", (json_int_t)want->max_message_size, "max_age",
                             (json_int_t)want->max_age_ns, "duplicate_window", (json_int_t)duplicates_ns, "discard",
                             "new", "storage", "file", "num_replicas", want->replicas, "deny_delete", 1, "deny_purge",
                             1, "allow_rollup_hdrs", 0, "allow_direct", 1, "allow_msg_ttl", 1, "republish", "src",
                             want->subjects, "dest", want->destination);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
