/* SPDX-License-Identifier: Apache-2.0 */
/* What a micro service of NATS says of itself, and which requests are for it. */
#include "daemon/documents/micro.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"

static const struct micro_endpoint endpoint = {"resolve", "discover.local.rpc.resolve", "discoverd", 4, 1,
                                               1000,      "404:no such service"};
static const struct micro_service service = {"discoverd", "web-1",       "0.1.0",   "a registry",
                                             "local",     1700000000042, &endpoint, 1};

static void check(enum micro_verb verb, const char *expected)
{
    json_t *document = micro_document(verb, &service);
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, expected);
    free(text);
    json_decref(document);
}

START_TEST(documents)
{
    check(MICRO_PING, "{\"id\":\"web-1\",\"metadata\":{\"region\":\"local\"},\"name\":\"discoverd\","
                      "\"type\":\"io.nats.micro.v1.ping_response\",\"version\":\"0.1.0\"}");
    check(MICRO_INFO,
          "{\"description\":\"a registry\",\"endpoints\":[{\"metadata\":{},\"name\":\"resolve\",\"queue_group\":"
          "\"discoverd\",\"subject\":\"discover.local.rpc.resolve\"}],\"id\":\"web-1\",\"metadata\":{\"region\":"
          "\"local\"},\"name\":\"discoverd\",\"type\":\"io.nats.micro.v1.info_response\",\"version\":\"0.1.0\"}");
    check(
        MICRO_STATS,
        "{\"endpoints\":[{\"average_processing_time\":250,\"last_error\":\"404:no such service\",\"name\":\"resolve\","
        "\"num_errors\":1,\"num_requests\":4,\"processing_time\":1000,\"queue_group\":\"discoverd\",\"subject\":"
        "\"discover.local.rpc.resolve\"}],\"id\":\"web-1\",\"metadata\":{\"region\":\"local\"},\"name\":\"discoverd\","
        "\"started\":\"2023-11-14T22:13:20.042Z\",\"type\":\"io.nats.micro.v1.stats_response\",\"version\":\"0.1.0\"}");
}
END_TEST

START_TEST(subjects)
{
    static const struct {
        const char *subject;
        int verb; /* or -ENOENT */
    } all[] = {
        {"$SRV.PING", MICRO_PING},
        {"$SRV.INFO.discoverd", MICRO_INFO},
        {"$SRV.STATS.discoverd.web-1", MICRO_STATS},
        {"$SRV.STATS.discoverd.web-10", -ENOENT},
        {"$SRV.STATS.discoverd.web-1.x", -ENOENT},
        {"$SRV.STATS.discoverdx", -ENOENT},
        {"$SRV.PING.other", -ENOENT},
        {"$SRV.PINGx", -ENOENT},
        {"$SRV.", -ENOENT},
        {"$SRV", -ENOENT},
        {"", -ENOENT},
        {"SRV.PING", -ENOENT},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        enum micro_verb verb = MICRO_PING;
        int result = micro_verb_of(all[i].subject, "discoverd", "web-1", &verb);
        ck_assert_msg((result < 0 ? result : (int)verb) == all[i].verb, "%s", all[i].subject);
    }
}
END_TEST

UNIT_TESTS("documents/micro", documents, subjects)
