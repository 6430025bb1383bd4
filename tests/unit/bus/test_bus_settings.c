/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream is asked to be satisfies what is looked for in one; each deviation is named, and the dangerous refused. */
#include "daemon/bus/bus_settings.h"

#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static const struct bus_stream want = {
    .name = "KV_SERVICES",
    .subjects = "$KV.SERVICES.>",
    .destination = "discover.local.services.>",
    .max_age_ns = 3600 * NS_PER_S,
    .max_bytes = 1 << 20,
    .max_message_size = 8192,
    .replicas = 3,
};

/* What a server would answer for a stream that we made, with some settings changed (a JSON object) or gone (null). */
static void read_with(const char *changes, struct bus_settings *ret_settings)
{
    char *request = bus_settings_request(&want);
    ck_assert_ptr_nonnull(request);
    json_t *config = json_loads(request, 0, NULL), *changed = json_loads(changes, 0, NULL);
    ck_assert(config && changed);
    ck_assert_int_eq(json_object_update(config, changed), 0);
    bus_settings_read(&want, config, ret_settings);
    json_decref(config);
    json_decref(changed);
    free(request);
}

START_TEST(one_of_ours_lacks_nothing)
{
    struct bus_settings s;
    read_with("{}", &s);
    ck_assert_str_eq(s.lacks, "");
    ck_assert_str_eq(s.refused, "");
    ck_assert(s.message_ttl);
    ck_assert_int_eq(s.max_bytes, 1 << 20);
    ck_assert_int_eq(s.max_messages, -1);
    read_with("{\"max_bytes\": 2000000, \"max_msg_size\": 16384}", &s); /* more than is asked for */
    ck_assert_str_eq(s.lacks, "");
    read_with("{\"allow_msg_ttl\": null}", &s); /* a server that does not know of it */
    ck_assert_str_eq(s.lacks, "");
    ck_assert(!s.message_ttl);
}
END_TEST

START_TEST(each_deviation_is_named)
{
    static const struct {
        const char *changes, *named;
    } all[] = {
        {"{\"deny_purge\": false}", "deny_purge is off"},
        {"{\"deny_purge\": null}", "deny_purge is off"},
        {"{\"deny_delete\": false}", "deny_delete is off"},
        {"{\"allow_direct\": false}", "allow_direct is off"},
        {"{\"sealed\": true}", "it is sealed"},
        {"{\"max_bytes\": -1}", "max_bytes is not set"},
        {"{\"max_bytes\": 1000}", "max_bytes is 1000, configured are 1048576"},
        {"{\"max_msg_size\": -1}", "max_msg_size is not set"},
        {"{\"max_msg_size\": 100}", "max_msg_size is 100"},
        {"{\"max_age\": 0}", "max_age is 0 s, configured are 3600 s"},
        {"{\"max_msgs_per_subject\": 5}", "max_msgs_per_subject is 5"},
        {"{\"num_replicas\": 1}", "num_replicas is 1, configured are 3"},
        {"{\"discard\": \"old\"}", "discard is old"},
        {"{\"storage\": \"memory\"}", "storage is memory"},
        {"{\"subjects\": [\"$KV.X.>\"]}", "its subject is $KV.X.>"},
        {"{\"subjects\": [\"$KV.SERVICES.>\", \"b\"]}", "its subject is"},
        {"{\"subjects\": []}", "its subject is missing"},
        {"{\"subjects\": 7}", "its subject is missing"},
        {"{\"republish\": null}", "republish is not set"},
        {"{\"republish\": {\"src\": \">\", \"dest\": \"x\"}}", "republish is from > to x"},
        {"{\"republish\": {\"src\": \"$KV.SERVICES.>\", \"dest\": \"discover.local.services.>\", \"headers_only\": "
         "true}}",
         "republish has headers only"},
        {"{\"allow_msg_ttl\": false, \"metadata\": {\"_nats.level\": \"1\"}}", "allow_msg_ttl is off"},
    };
    struct bus_settings s;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        read_with(all[i].changes, &s);
        ck_assert_msg(strncmp(s.lacks, all[i].named, strlen(all[i].named)) == 0, "%s: %s", all[i].changes, s.lacks);
        ck_assert_msg(strchr(s.lacks, '\n') == s.lacks + strlen(s.lacks) - 1, "one sentence: %s", s.lacks);
        ck_assert_str_eq(s.refused, "");
    }
    bus_settings_read(&want, NULL, &s);
    ck_assert_ptr_nonnull(strstr(s.lacks, "deny_purge is off"));
}
END_TEST

START_TEST(what_lets_a_writer_wipe_it_is_refused)
{
    struct bus_settings s;
    read_with("{\"allow_rollup_hdrs\": true}", &s);
    ck_assert_ptr_nonnull(strstr(s.refused, "allow_rollup_hdrs"));
    read_with("{\"subject_delete_marker_ttl\": 2000000000, \"allow_rollup_hdrs\": true}", &s);
    ck_assert_ptr_nonnull(strstr(s.refused, "subject_delete_marker_ttl"));
    read_with("{\"subject_delete_marker_ttl\": 0}", &s);
    ck_assert_str_eq(s.refused, "");
}
END_TEST

UNIT_TESTS("bus_settings", one_of_ours_lacks_nothing, each_deviation_is_named, what_lets_a_writer_wipe_it_is_refused)
