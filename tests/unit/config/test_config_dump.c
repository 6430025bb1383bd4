/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as it is in force, for a bug report: each key with its value. */
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static void unexpected(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

static char *dump(const char *text)
{
    struct config *c;
    char *dumped = NULL;
    size_t n;
    folder_write("c", text);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &c), 0);
    FILE *out = open_memstream(&dumped, &n);
    config_table_dump(&config_keys, c, out);
    fclose(out);
    config_free(c);
    return dumped;
}

START_TEST(each_kind_of_value)
{
    char *text = dump("nats = { servers = [\"nats://10.0.0.1:4222\", \"tls://b:4222\"]; };\n"
                      "registry = { lease_ttl = \"3s\"; on_stop = \"leave\"; };\nlog = { level = \"debug\"; };\n"
                      "dns = { workers = 3; };\n");
    static const char *const lines[] = {
        "nats.servers = [\"nats://10.0.0.1:4222\", \"tls://b:4222\"];\n",
        "registry.lease_ttl = \"3s\";\n",
        "registry.on_stop = \"leave\";\n",
        "log.level = \"debug\";\n",
        "dns.workers = 3;\n",
        "registry.create = true;\n",
        "nats.credentials = \"\";\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(text, lines[i]), "%s is not in\n%s", lines[i], text);
    free(text);
}
END_TEST

UNIT_TESTS("config/dump", each_kind_of_value)
