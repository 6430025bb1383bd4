/* SPDX-License-Identifier: Apache-2.0 */
/* Broken configuration files: each is refused with exit code 2 and "FILE:LINE: key: reason", also at the start. */
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/proc.h"

struct broken {
    const char *text;
    const char *where;  /* what follows the file's name */
    const char *reason; /* part of it */
};

static const struct broken table[] = {
    {"host = \"a\"\nregion == \"b\";\n", ":2:", "syntax"},
    {"host = \"a\";\nhots = \"b\";\n", ":2: hots:", "host"},
    {"host = 5;\n", ":1: host:", "text"},
    {"host = \"No Name\";\n", ":1: host:", "must be a name"},
    {"host = \"\";\n", ":1: host:", ""},
    {"registry = {\n  lease_tll = \"10s\";\n};\n", ":2: registry.lease_tll:", "lease_ttl"},
    {"registry = { lease_ttl = \"ten\"; };\n", ":1: registry.lease_ttl:", ""},
    {"registry = { lease_ttl = \"1ms\"; };\n", ":1: registry.lease_ttl:", "100ms"},
    {"registry = { lease_ttl = 10; };\n", ":1: registry.lease_ttl:", ""},
    {"registry = { create = \"yes\"; };\n", ":1: registry.create:", "true"},
    {"registry = { replicas = 6; };\n", ":1: registry.replicas:", "5"},
    {"registry = \"SERVICES\";\n", ":1: registry:", ""},
    {"nats = { servers = \"nats://127.0.0.1:4222\"; };\n", ":1: nats.servers:", ""},
    {"nats = { servers = []; };\n", ":1: nats.servers:", ""},
    {"nats = { servers = [\"http://127.0.0.1\"]; };\n", ":1: nats.servers", "nats://127.0.0.1:4222"},
    {"nats = { servers = [\"nats://joe:secret@127.0.0.1\"]; };\n", ":1: nats.servers", "nats.user"},
    {"nats = { tls = { cert = \"/x.pem\"; }; };\n", ":", "key"},
    {"dns = { listen = [\"127.0.0.1:99999\"]; };\n", ":1: dns.listen", "127.0.0.1:8053"},
    {"dns = { listen = [\"localhost:53\"]; };\n", ":1: dns.listen", "127.0.0.1:8053"},
    {"dns = { zones = [\"discover.local\"]; };\n", ":1: dns.zones", "multicast"},
    {"dns = { ttl = \"1500ms\"; };\n", ":1: dns.ttl:", ""},
    {"api = { socket = \"discoverd.sock\"; };\n", ":1: api.socket:", "absolute"},
    {"services = ( { name = \"payment\"; port = 80; } );\n", ":1: services", "DOMAIN/SERVICE"},
    {"services = ( { name = \"host/x\"; port = 80; } );\n", ":1: services", "reserved"},
    {"services = ( { name = \"shop/payment\"; } );\n", ":1: services", "port"},
    {"services = ( { name = \"shop/payment\"; port = 70000; } );\n", ":1: services", "65535"},
    {"services = ( { name = \"shop/payment\"; port = 80; address = [\"10.0.0.300\"]; } );\n", ":1: services",
     "address"},
    {"services = ( { name = \"shop/payment\"; port = 80; address = [\"a.host.discover.internal\"]; } );\n",
     ":1: services", "below our own zone"},
    {"services = ( { name = \"shop/payment\"; port = 80; wieght = 5; } );\n", ":1: services", "weight"},
    {"services = ( { name = \"shop/payment\"; instance = \"a\"; port = 80; },\n"
     "             { name = \"shop/payment\"; instance = \"a\"; port = 81; } );\n",
     ":2: services", "a"},
    {"services = ( { name = \"shop/payment\"; port = 80; checks = ( { tcp = \"nowhere\"; } ); } );\n", ":1: services",
     "127.0.0.1:8080"},
};

static const char *write_config(const char *text)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/broken.conf", e2e_folder());
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    return path;
}

static void refused(const struct broken *broken, const char *option)
{
    static struct output o;
    char where[400];
    const char *path = write_config(broken->text);

    snprintf(where, sizeof where, "%s%s", path, broken->where);
    int code = run(&o, (const char *const[]){e2e_binary("discoverd"), "-c", path, option, NULL});
    ck_assert_msg(code == 2, "exit %d for: %s", code, broken->text);
    const char *line = strstr(o.err, where);
    ck_assert_msg(line, "for: %sexpected: %s\nsaid: %s", broken->text, where, o.err);
    ck_assert_msg(strstr(line + strlen(where), broken->reason), "for: %sexpected: %s\nsaid: %s", broken->text,
                  broken->reason, o.err);
}

START_TEST(each_is_refused_by_the_test)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        refused(&table[i], "-t");
}
END_TEST

START_TEST(and_at_the_start)
{
    refused(&table[1], NULL);
}
END_TEST

/* One mistake does not hide the next. */
START_TEST(all_of_them_are_reported)
{
    static struct output o;
    const char *path = write_config("hots = \"a\";\nregistry = { replicas = 6; };\ndns = { port = 53; };\n");

    ck_assert_int_eq(run(&o, (const char *const[]){e2e_binary("discoverd"), "-c", path, "-t", NULL}), 2);
    ck_assert_ptr_nonnull(strstr(o.err, ":1: hots:"));
    ck_assert_ptr_nonnull(strstr(o.err, ":2: registry.replicas:"));
    ck_assert_ptr_nonnull(strstr(o.err, ":3: dns.port:"));
}
END_TEST

/* The example that the daemon prints of itself is a configuration that it takes. */
START_TEST(the_example_is_good)
{
    static struct output o;

    ck_assert_int_eq(shell(&o, "%s --example", e2e_binary("discoverd")), 0);
    const char *path = write_config(o.out);
    ck_assert_msg(run(&o, (const char *const[]){e2e_binary("discoverd"), "-c", path, "-t", NULL}) == 0, "%s", o.err);
}
END_TEST

E2E_TESTS("bad configuration", 60, {"each_is_refused_by_the_test", each_is_refused_by_the_test},
          {"and_at_the_start", and_at_the_start}, {"all_of_them_are_reported", all_of_them_are_reported},
          {"the_example_is_good", the_example_is_good})
