/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broken configurations: each with everything that is said of it, word for word. In texts and in messages $ stands
 * for the test's folder; a text begins with a host and an empty services_dir unless it begins with '!'.
 */
#include "daemon/config/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

#define SERVICE "name = \"shop/payment\"; port = 80; "
#define SD      "!host = \"web-1\"; services_dir = \"$/sd\";\n"
#define ONE     "services = ( { name = \"a/b\"; port = 1; } );\n"

#define LOOPBACK                                                                                                       \
    "a loopback address: no other host can reach it; leave it out to have this host's, or set allow_loopback = true "  \
    "in "                                                                                                              \
    "discoverd.conf where all hosts are on one machine"
#define NAME_RULE "must be a name: a-z, 0-9 and '-' inside, at most 63"
#define NAME_63   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text, *messages;
} rows[] = {
    /* What does not even parse. */
    {"region = ;", "c:1: syntax error\n"},
    {"region = \"a\";\nregion = \"b\";", "c:2: duplicate setting name\n"},
    {"dns = { listen = [\"a\", 1]; };", "c:1: mismatched element type in array\n"},
    {"dns = {\n ttl = \"1s\";\n", "c:3: syntax error\n"},
    {"\nregion = \"a;\nzone = \"b\";", "c:2: a string is not closed on its line\n"},
    {"/* all of it\nregion = 1;", "c:1: a comment is not closed\n"},
    {"\n@include \"none\"", "c:2: cannot read none: No such file or directory\n"},
    {"@include \".\"", "c:1: syntax error\n"}, /* only at the beginning of a line, where the test's own keys are */

    /* What nobody knows. */
    {"colour = 1;", "c:1: colour: unknown key\n"},
    {"regoin = \"a\";", "c:1: regoin: unknown key; did you mean region?\n"},
    {"\n\ndns = {\n  listn = [];\n};", "c:4: dns.listn: unknown key; did you mean dns.listen?\n"},
    {"dsn = { listen = []; };", "c:1: dsn: unknown key; did you mean dns?\n"},
    {"lease_ttl = \"3s\";", "c:1: lease_ttl: unknown key; did you mean registry.lease_ttl?\n"},
    {"tls = { ca = \"/x\"; };", "c:1: tls: unknown key; did you mean nats.tls?\n"},
    {"nats = { tls = { cret = \"/x\"; }; };", "c:1: nats.tls.cret: unknown key; did you mean nats.tls.cert?\n"},
    {"dns = { replicas = 1; };", "c:1: dns.replicas: unknown key; did you mean registry.replicas?\n"},

    /* What has the wrong form. */
    {"region = 5;", "c:1: region: must be a text in quotes, not a number\n"},
    {"region = { };", "c:1: region: must be a text in quotes, not a group\n"},
    {"dns = 5;", "c:1: dns: must be a group { ... }, not a number\n"},
    {"nats = { tls = true; };", "c:1: nats.tls: must be a group { ... }, not true or false\n"},
    {"dns = { workers = \"2\"; };", "c:1: dns.workers: must be a whole number, not a text in quotes\n"},
    {"dns = { workers = 1.5; };", "c:1: dns.workers: must be a whole number, not a number with a point\n"},
    {"dns = { ttl = 1; };", "c:1: dns.ttl: must be a text in quotes, not a number\n"},
    {"registry = { create = 1; };", "c:1: registry.create: must be true or false, not a number\n"},
    {"registry = { create = \"yes\"; };", "c:1: registry.create: must be true or false, not a text in quotes\n"},
    {"nats = { servers = \"nats://a\"; };", "c:1: nats.servers: must be a list [ \"...\" ], not a text in quotes\n"},
    {"dns = { listen = [53]; };", "c:1: dns.listen[0]: must be a text in quotes, not a number\n"},
    {"dns = { listen = ( \"127.0.0.1:53\", { } ); };", "c:1: dns.listen[1]: must be a text in quotes, not a group\n"},
    {"services = { };", "c:1: services: must be a list of groups ( { ... } ), not a group\n"},
    {"services = 1;", "c:1: services: must be a list of groups ( { ... } ), not a number\n"},

    /* What is out of range. */
    {"dns = { workers = 0; };", "c:1: dns.workers: 0 is out of range 1..64\n"},
    {"dns = { workers = -1; };", "c:1: dns.workers: -1 is out of range 1..64\n"},
    {"dns = { workers = 4294967297; };", "c:1: dns.workers: 4294967297 is out of range 1..64\n"},
    {"dns = { workers = 0x100000001; };", "c:1: dns.workers: 4294967297 is out of range 1..64\n"},
    {"limits = { mailbox = 99999999999999999999; };",
     "c:1: limits.mailbox: 9223372036854775807 is out of range 256..1048576\n"},
    {"registry = { lease_ttl = \"50ms\"; };", "c:1: registry.lease_ttl: 50ms is out of range 100ms..1h\n"},
    {"registry = { lease_ttl = \"999999999999999999h\"; };",
     "c:1: registry.lease_ttl: 999999999999999999h is out of range 100ms..1h\n"},
    {"registry = { restart_grace = \"61s\"; };", "c:1: registry.restart_grace: 61s is out of range 0..1m\n"},
    {"registry = { lease_ttl = \"10\"; };",
     "c:1: registry.lease_ttl: \"10\" must be a duration such as \"10s\" or \"500ms\"\n"},
    {"registry = { lease_ttl = \"\"; };",
     "c:1: registry.lease_ttl: \"\" must be a duration such as \"10s\" or \"500ms\"\n"},
    {"dns = { ttl = \"1500ms\"; };", "c:1: dns.ttl: 1500ms must be whole seconds\n"},
    {"address = [\"127.0.0.1\"];", "c:1: address: " LOOPBACK "\n"},
    {"address = [\"0.0.0.0\"];",
     "c:1: address[0]: \"0.0.0.0\" is an unspecified address (0.0.0.0/8): nobody can connect to "
     "it; leave it out to register the host's\n"},
    {"services = ( { " SERVICE "address = [\"127.0.0.1\"]; } );", "c:1: services[0]: address: " LOOPBACK "\n"},
    {"api = { socket = \"/" NAME_63 NAME_63 "\"; };", "c:1: api.socket: longer than 107 bytes\n"},

    /* What is no name, address, URL or path. */
    {"!host = \"Web_1\"; services_dir = \"\";", "c:1: host: \"Web_1\" " NAME_RULE "; did you mean \"web-1\"?\n"},
    {"!host = \"Web-9.example.com\"; services_dir = \"\";",
     "c:1: host: \"Web-9.example.com\" " NAME_RULE "; did you mean \"web-9\"?\n"},
    {"!host = \"web-9." NAME_63 ".example.com\"; services_dir = \"\";",
     "c:1: host: longer than 63 bytes; did you mean \"web-9\"?\n"},
    {"!host = \"__\"; services_dir = \"\";", "c:1: host: \"__\" " NAME_RULE "\n"},
    {"!host = \"\"; services_dir = \"\";", "c:1: host: must not be empty\n"},
    {"zone = \"a.b\";", "c:1: zone: \"a.b\" " NAME_RULE "; did you mean \"a-b\"?\n"},
    {"region = \"" NAME_63 "a\";", "c:1: region: longer than 63 bytes\n"},
    {"state_dir = \"var\";", "c:1: state_dir: \"var\" must be an absolute path\n"},
    {"state_dir = \"\";", "c:1: state_dir: must not be empty\n"},
    {"log = { level = \"loud\"; };", "c:1: log.level: \"loud\" is none of error, warning, notice, info, debug\n"},
    {"nats = { servers = []; };", "c:1: nats.servers: must not be empty\n"},
    {"nats = { servers = [\"127.0.0.1:4222\"]; };",
     "c:1: nats.servers[0]: \"127.0.0.1:4222\" must be a URL such as \"nats://127.0.0.1:4222\"\n"},
    {"nats = { servers = [\"nats://me:secret@a:4222\"]; };",
     "c:1: nats.servers[0]: must not contain a user: use nats.user and nats.password_file\n"},
    {"nats = { servers = [\"nats://a\",\n\n\"nats://a\"\n\n]; };",
     "c:1: nats.servers[1]: \"nats://a\" is there already\n"},
    {"registry = { hosts_bucket = \"my.hosts\"; };",
     "c:1: registry.hosts_bucket: \"my.hosts\" must be made of letters, digits, '-' and '_'\n"},
    {"dns = { listen = [\"localhost:53\"]; };",
     "c:1: dns.listen[0]: \"localhost:53\" must be an address and a port such as \"127.0.0.1:8053\"\n"},
    {"dns = { zones = [\"discover.local\"]; };", "c:1: dns.zones[0]: \"discover.local\" cannot be: \"local\" belongs "
                                                 "to multicast DNS, resolvers would never ask\n"},
    {"dns = { zones = [\"a.internal.\"]; };", "c:1: dns.zones[0]: \"a.internal.\" must be a domain name in lower case "
                                              "such as \"discover.internal\", without a dot at the end\n"},
    {"dns = { zones = [\"A.internal\"]; };", "c:1: dns.zones[0]: \"A.internal\" must be a domain name in lower case "
                                             "such as \"discover.internal\", without a dot at the end\n"},
    {"dns = { allow = [\"10.0.0.1/8\"]; };",
     "c:1: dns.allow[0]: \"10.0.0.1/8\" must be a network such as \"10.0.0.0/8\"\n"},
    {"address = [\"web-1\"];",
     "c:1: address[0]: \"web-1\" must be an address, an interface or a network such as \"10.0.1.22\", "
     "\"%eth1\" or \"10.0.0.0/8\"\n"},
    {"http = { listen = \"8054\"; };",
     "c:1: http.listen: \"8054\" must be an address and a port such as \"127.0.0.1:8053\"\n"},

    /* What does not go together. */
    {"address = [\"10.0.0.1\", \"10.0.0.2\"];", "c:1: address: two addresses of one family\n"},
    {"nats = { credentials = \"/c\";\n nkey_seed = \"/n\"; };",
     "c:2: nats.nkey_seed: not together with nats.credentials\n"},
    {"nats = { user = \"u\"; };", "c:1: nats.user: needs nats.password_file\n"},
    {"nats = { password_file = \"/p\"; };", "c:1: nats.password_file: needs nats.user\n"},
    {"nats = { user = \"u\"; password_file = \"p\"; };", "c:1: nats.password_file: \"p\" must be an absolute path\n"},
    {"nats = { user = \"u\"; password_file = \"/p\"; nkey_seed = \"/n\"; };",
     "c:1: nats.user: not together with nats.nkey_seed\n"},
    {"nats = { tls = { cert = \"/c\"; }; };", "c:1: nats.tls.cert: needs nats.tls.key\n"},
    {"nats = { tls = { key = \"/k\"; }; };", "c:1: nats.tls.key: needs nats.tls.cert\n"},
    {"registry = { services_bucket = \"HOSTS\"; };",
     "c: registry.hosts_bucket: the same as registry.services_bucket\n"},

    /* Services. */
    {"regions = ( { name = \"b\"; } );", "c:1: regions[0]: b: needs js_domain, or nats.servers\n"},
    {"regions = ( { js_domain = \"b\"; } );", "c:1: regions[0]: name is missing\n"},
    {"regions = ( { name = \"local\"; js_domain = \"b\"; } );", "c:1: regions[0]: local: is the own region\n"},
    {"regions = ( { name = \"b\"; js_domain = \"b\"; },\n { name = \"b\"; js_domain = \"c\"; } );",
     "c:2: regions[1]: b: is there twice\n"},
    {"nats = { js_domain = \"b\"; }; regions = ( { name = \"b\"; js_domain = \"b\"; } );",
     "c:1: regions[0]: b: its js_domain is that of the own region\n"},
    {"regions = ( { name = \"b\"; js_domain = \"b\"; nats = { user = \"me\"; }; } );",
     "c:1: regions[0]: b: nats needs servers: without them the group nats of the own region counts\n"},
    {"regions = ( { name = \"b\"; nats = { servers = [\"nats://n:4222\"];\n user = \"me\"; }; } );",
     "c:2: regions[0].nats.user: needs nats.password_file\n"},
    {"regions = ( { name = \"b\"; nats = { servers = [\"nats://n:4222\"]; user = \"me\"; password_file = \"/p\";\n "
     "nkey_seed = \"/n\"; tls = {\n key = \"/k\"; }; }; } );",
     "c:1: regions[0].nats.user: not together with nats.nkey_seed\n"
     "c:3: regions[0].nats.tls.key: needs nats.tls.cert\n"},
    {"limits = { regions = 1; }; regions = ( { name = \"b\"; js_domain = \"b\"; }, { name = \"c\"; js_domain = \"c\"; "
     "} );",
     "c:1: regions: more regions than limits.regions\n"},
    {"failover = { regions = [\"b\"]; };", "c:1: failover.regions: b is none of regions\n"},
    {"failover_services = ( { name = \"a/b\"; regions = [\"c\"]; } );",
     "c:1: failover_services[0].regions: c is none of regions\n"},
    {"regions = { name = \"b\"; };", "c:1: regions: must be a list of groups ( { ... } ), not a group\n"},

    {"services = ( 5 );", "c:1: services[0]: must be a group { ... }, not a number\n"},
    {"services = (\n { port = 80; },\n { name = \"a/b\"; } );",
     "c:2: services[0]: name is missing\nc:3: services[1]: port is missing\n"},
    {"services = ( { name = \"payment\"; port = 80; } );",
     "c:1: services[0].name: \"payment\" must be DOMAIN/SERVICE, names of a-z, 0-9 and '-' inside\n"},
    {"services = ( { name = \"host/x\"; port = 80; } );",
     "c:1: services[0].name: \"host/x\" cannot be: the domain \"host\" is reserved\n"},
    {"services = ( { name = \"a/b\"; port = 65536; } );", "c:1: services[0].port: 65536 is out of range 1..65535\n"},
    {"services = ( { " SERVICE "adress = []; } );", "c:1: services[0].adress: unknown key; did you mean address?\n"},
    {"services = ( { " SERVICE "address = [\"10.0.0.300\"]; } );",
     "c:1: services[0].address[0]: \"10.0.0.300\" must be an address or a host name such as \"10.0.1.22\" or "
     "\"db.example.com\"\n"},
    {"services = ( { " SERVICE "address = [\"10.0.0.1\", \"10.0.0.2\"]; } );",
     "c:1: services[0].address: two addresses of one family: register two instances\n"},
    {"services = ( { " SERVICE "address = [\"web-1.host.discover.internal\"]; } );",
     "c:1: services[0]: address: a host name below our own zone discover.internal\n"},
    {"services = ( { " SERVICE "address = [\"db\", \"10.0.0.2\"]; } );",
     "c:1: services[0].address: a host name must stand alone\n"},
    {"services = ( { " SERVICE "proto = \"sctp\"; } );", "c:1: services[0].proto: \"sctp\" is none of tcp, udp\n"},
    {"services = ( { " SERVICE "weight = 0; } );", "c:1: services[0].weight: 0 is out of range 1..65535\n"},
    {"services = ( { " SERVICE "tags = [\"\xff\"]; } );",
     "c:1: services[0].tags[0]: \"\xff\" must be UTF-8 without control characters, 1..255 bytes\n"},
    {"services = ( { " SERVICE "meta = { version = 1.4; }; } );",
     "c:1: services[0].meta.version: must be a text in quotes, not a number with a point\n"},
    {"services = ( { " SERVICE "meta = { note = \"a\\nb\"; }; } );",
     "c:1: services[0].meta.note: its value must be UTF-8 without control characters\n"},
    {"services = ( { " SERVICE
     "meta = { a=\"\";b=\"\";c=\"\";d=\"\";e=\"\";f=\"\";g=\"\";h=\"\";i=\"\";j=\"\";k=\"\";l=\"\";"
     "m=\"\";n=\"\";o=\"\";p=\"\";q=\"\"; }; } );",
     "c:1: services[0].meta.q: more than 16 pairs\n"},
    {"services = ( { " SERVICE "meta = \"x\"; } );",
     "c:1: services[0].meta: must be a group { ... }, not a text in quotes\n"},
    {"services = ( { name = \"a/" NAME_63 "\"; port = 80; } );",
     "c:1: services[0]: instance is missing, and \"" NAME_63 "-80\" would be too long for it\n"},
    {"services = ( { " SERVICE "}, { " SERVICE
     "},\n { name = \"shop/payment\"; port = 1; instance = \"payment-80\"; } );",
     "c:1: services[1]: shop/payment, instance payment-80, is in c:1 already\n"
     "c:2: services[2]: shop/payment, instance payment-80, is in c:1 already\n"},
    {"limits = { instances_per_host = 1; };\nservices = ( { " SERVICE "},\n { name = \"a/b\"; port = 1; } );",
     "c:3: services[1]: more services than limits.instances_per_host\n"},

    /* Checks. */
    {"services = ( { " SERVICE "checks = { tcp = \"a:1\"; }; } );",
     "c:1: services[0].checks: must be a list of groups ( { ... } ), not a group\n"},
    {"services = ( { " SERVICE "checks = ( \"tcp\" ); } );",
     "c:1: services[0].checks[0]: must be a group { ... }, not a text in quotes\n"},
    {"services = ( { " SERVICE "checks = (\n {\n interval = \"1s\"; } ); } );",
     "c:2: services[0].checks[0]: must have one of tcp, http, grpc, exec, ttl, unit and pid\n"},
    {"services = ( { " SERVICE "checks = ( { tcp = \"a:1\"; http = \"http://a\"; } ); } );",
     "c:1: services[0].checks[0]: must have one of tcp, http, grpc, exec, ttl, unit and pid\n"},
    {"services = ( { " SERVICE "checks = ( { tcp = \"8080\"; } ); } );",
     "c:1: services[0].checks[0].tcp: \"8080\" must be a host and a port such as \"127.0.0.1:8080\"\n"},
    {"services = ( { " SERVICE "checks = ( { http = \"ftp://a/\"; } ); } );",
     "c:1: services[0].checks[0].http: \"ftp://a/\" must be a URL such as \"http://127.0.0.1:8080/healthz\"\n"},
    {"services = ( { " SERVICE "checks = ( { tcp = \"a:1\"; interval = \"1s\"; timeout = \"2s\"; } ); } );",
     "c:1: services[0].checks[0].timeout: longer than the interval\n"},
    {"services = ( { " SERVICE "checks = ( { tcp = \"a:1\"; fall = 0; } ); } );",
     "c:1: services[0].checks[0].fall: 0 is out of range 1..100\n"},
    {"services = ( { " SERVICE "checks = ( { tpc = \"a:1\"; } ); } );",
     "c:1: services[0].checks[0].tpc: unknown key; did you mean tcp?\n"},
    {"services = ( { " SERVICE "checks = ({tcp=\"a:1\";},{tcp=\"a:1\";},{tcp=\"a:1\";},{tcp=\"a:1\";},{tcp=\"a:1\";},"
     "{tcp=\"a:1\";},{tcp=\"a:1\";},{tcp=\"a:1\";},\n{tcp=\"a:1\";}); } );",
     "c:1: services[0]: more checks than limits.checks_per_instance allows (8)\n"},

    /* Other files. */
    {SD "\n@include \"bad\"", "bad:2: zone: \"Z\" " NAME_RULE "; did you mean \"z\"?\n"},
    {"!host = \"web-1\"; services_dir = \"$/c\";", "$/c: cannot be read: Not a directory\n"},

    /* Everything at once. */
    {"region = 1;\ndns = { ttl = \"x\"; workers = 0;\n bogus = 1; };\nnats = { user = \"u\"; };\n"
     "services = ( { port = 0; }, { " SERVICE "weight = 0; } );",
     "c:1: region: must be a text in quotes, not a number\n"
     "c:2: dns.ttl: \"x\" must be a duration such as \"10s\" or \"500ms\"\n"
     "c:2: dns.workers: 0 is out of range 1..64\n"
     "c:3: dns.bogus: unknown key\n"
     "c:4: nats.user: needs nats.password_file\n"
     "c:5: services[0].port: 0 is out of range 1..65535\n"
     "c:5: services[0]: name is missing\n"
     "c:5: services[1].weight: 0 is out of range 1..65535\n"},
};

#define N_ROWS (sizeof rows / sizeof *rows)

struct reported {
    char text[8192];
    size_t n;
};

static void on_report(void *arg, const char *message)
{
    struct reported *reported = arg;
    reported->n += (size_t)snprintf(reported->text + reported->n, sizeof reported->text - reported->n, "%s\n", message);
    ck_assert_uint_lt(reported->n, sizeof reported->text);
}

/* Writes text with $ replaced. */
static void expand(const char *text, const char *folder, size_t cap, char *ret_text)
{
    size_t n = 0;
    for (; *text; text++) {
        char letter[] = {*text, '\0'};
        n += (size_t)snprintf(ret_text + n, cap - n, "%s", *text == '$' ? folder : letter);
        ck_assert_uint_lt(n, cap);
    }
}

static void write_row(const char *text, const char *folder)
{
    char expanded[4096], whole[4200];
    expand(text, folder, sizeof expanded, expanded);
    bool bare = expanded[0] == '!';
    snprintf(whole, sizeof whole, "%s%s", bare ? "" : "host = \"web-1\"; services_dir = \"\"; ", expanded + bare);
    folder_write("c", whole);
}

START_TEST(test_rows)
{
    const char *folder = folder_enter();
    folder_write("sd/a.conf", ONE);
    folder_write("bad", "region = \"eu\";\nzone = \"Z\";\n");
    for (size_t i = 0; i < N_ROWS; i++) {
        struct reported reported = {.n = 0};
        struct config *c = NULL;
        char expected[4096] = "";
        write_row(rows[i].text, folder);
        expand(rows[i].messages, folder, sizeof expected, expected);
        int err = config_load("c", on_report, &reported, &c);
        ck_assert_msg(strcmp(reported.text, expected) == 0, "row %zu: %s\nexpected:\n%sgot:\n%s", i, rows[i].text,
                      expected, reported.text);
        ck_assert_msg(err == -EINVAL && !c, "row %zu: %s: %d", i, rows[i].text, err);
    }
    folder_remove();
}
END_TEST

/* A record that is over a smaller limit than the format's own. */
START_TEST(test_large_record)
{
    struct reported reported = {.n = 0};
    struct config *c = NULL;
    char value[201], text[2048];
    folder_enter();
    memset(value, 'v', 200);
    value[200] = '\0';
    snprintf(text, sizeof text,
             "host = \"web-1\"; services_dir = \"\"; limits = { record_bytes = 512; };\n"
             "services = ( { " SERVICE " meta = { a = \"%s\"; b = \"%s\"; c = \"%s\"; }; } );",
             value, value, value);
    folder_write("c", text);
    ck_assert_int_eq(config_load("c", on_report, &reported, &c), -EINVAL);
    ck_assert_str_eq(reported.text, "c:2: services[0]: takes more bytes than limits.record_bytes allows\n");
    folder_remove();
}
END_TEST

START_TEST(test_unreadable)
{
    struct reported reported = {.n = 0};
    struct config *c = NULL;
    folder_enter();
    ck_assert_int_eq(config_load("none", on_report, &reported, &c), -EINVAL);
    ck_assert_str_eq(reported.text, "none: cannot be read: No such file or directory\n");
    reported.n = 0;
    ck_assert_int_eq(config_load(".", on_report, &reported, &c), -EINVAL);
    ck_assert_str_eq(reported.text, ".: cannot be read: Is a directory\n");
    folder_remove();
}
END_TEST

/* Nesting without end must not overflow any stack. */
START_TEST(test_deep_nesting)
{
    static const char *const opens[] = {"a = (", "a = { b = "};
    enum { DEPTH = 20000 };
    char *text = malloc(DEPTH * 10 + 10);
    folder_enter();
    for (size_t i = 0; i < 2; i++) {
        struct reported reported = {.n = 0};
        struct config *c = NULL;
        size_t n = (size_t)sprintf(text, "%s", opens[i]);
        for (int depth = 0; depth < DEPTH; depth++)
            n += (size_t)sprintf(text + n, "%s", i == 0 ? "(" : "{ b = ");
        folder_write("c", text);
        ck_assert_int_eq(config_load("c", on_report, &reported, &c), -EINVAL);
        ck_assert_str_eq(reported.text, "c:1: nested too deep\n");
    }
    free(text);
    folder_remove();
}
END_TEST

UNIT_TESTS("config_errors", test_rows, test_large_record, test_unreadable, test_deep_nesting)
