/* SPDX-License-Identifier: Apache-2.0 */
/* Good configurations: every key, the defaults, the host's own name, setting keys by hand, and what a reload changes. */
#include "daemon/config/config.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/config/config_keys.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

#define MINUTE_NS (60 * NS_PER_S)

static void unexpected(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

static struct config *load(const char *text)
{
    struct config *c;
    folder_write("c", text);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &c), 0);
    return c;
}

static void assert_list(const struct string_list *list, const char *const *expected, size_t n)
{
    ck_assert_uint_eq(list->n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(list->items[i], expected[i]);
}

#define ASSERT_LIST(list, ...)                                                                                         \
    assert_list(&(list), (const char *const[]){__VA_ARGS__},                                                           \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char everything[] =
    "host = \"web-1\"; region = \"eu\"; zone = \"a\"; address = [\"10.0.1.22\", \"2001:db8::1\"];\n"
    "allow_loopback = true;\n"
    "state_dir = \"/s\"; services_dir = \"\"; log = { level = \"debug\"; };\n"
    "nats = { servers = [\"tls://n1:4222\", \"tls://n2\"]; user = \"u\"; password_file = \"/p\"; js_domain = "
    "\"hub\";\n"
    "         credentials = \"\"; nkey_seed = \"\"; tls = { ca = \"/ca\"; cert = \"/cert\"; key = \"/key\"; "
    "}; };\n"
    "registry = { services_bucket = \"S\"; hosts_bucket = \"H\"; lease_ttl = \"3s\"; record_ttl = \"2h\"; "
    "replicas = 3;\n"
    "             on_stop = \"leave\"; create = false; restart_grace = \"500ms\"; guard_percent = 50; guard_min = 2; "
    "services_max_bytes = 1000000; hosts_max_bytes = 100000; guard_duration = "
    "\"10m\"; "
    "};\n"
    "dns = { listen = [\"127.0.0.1:53\", \"[::1]:53\"]; zones = [\"a.internal\", \"10.in-addr.arpa\"]; ttl = "
    "\"5s\";\n"
    "        workers = 2; udp_payload = 4096; remote_payload = 1400; allow = [\"10.0.0.0/8\", \"fd00::/8\"]; "
    "rrl = 0;\n"
    "        tcp_clients = 10; tcp_clients_per_address = 5; tcp_idle = \"2s\";\n"
    "        tcp_message = \"3s\"; cache_bytes = 2000000; };\n"
    "systemd = { units = true; bus = \"unix:path=/run/systemd/private\"; };\n"
    "events = { publish = false; }; requests = { answer = false; }; api = { socket = \"/run/x\"; register_group = "
    "\"\"; exec_checks = true; }; http = "
    "{ listen = \"\"; hosts = "
    "[\"web-1.example.com\"]; "
    "};\n"
    "limits = { hosts = 1; services = 2; services_per_domain = 13; instances = 11; instances_per_service = 12; "
    "instances_per_host = 3; "
    "record_bytes = 1024; mailbox = 0x1000;\n"
    "           snapshot_duration = \"30s\"; api_clients = 4; api_clients_per_uid = 6; ejections = 8; overrides = 9; "
    "           checks = 21; checks_per_instance = 22; checks_running = 23; check_recoveries = 24; "
    "http_clients = 7;\n"
    "           hostnames = 8; hostnames_per_host = 7; host_changes = 8; puts = 900; table_bytes = 2000000; "
    "http_reserve = 5; http_clients_per_user = 6; http_held = 8; events = 9; events_waiting = 10; requests = 11; "
    "requests_waiting = 12; answer_bytes = 1300; "
    "api_watches = 9; api_reserve = 3; "
    "api_watches_per_uid = "
    "10;\n"
    "           api_watches_all = 11; api_output_bytes = 70000; regions = 3;\n"
    "           api_handshake = \"1s\"; http_time = \"2s\"; http_idle = \"3s\"; };\n"
    "resolver = { servers = [\"10.0.0.2:53\", \"[::1]:5353\"]; min_ttl = \"1s\"; max_ttl = \"2s\"; denied_grace = "
    "\"3s\";\n"
    "             queries = 4; };\n"
    "regions = ( { name = \"b\"; js_domain = \"b\"; } );\n"
    "trace = { endpoint = \"http://b:4318\"; sample = \"0.5\"; queue = 7; timeout = \"3s\"; give_up = \"4s\"; };\n"
    "failover = { enabled = false; regions = [\"b\"]; min = 2; after = \"1s\"; back_after = \"2s\"; };\n"
    "failover_services = ( { name = \"shop/payment\"; regions = [\"b\"]; min = 3; } );\n"
    "services = ( );\n";

START_TEST(test_every_key)
{
    folder_enter();
    struct config *c = load(everything);
    ck_assert_str_eq(c->host, "web-1");
    ck_assert_str_eq(c->region, "eu");
    ck_assert_str_eq(c->zone, "a");
    ASSERT_LIST(c->address, "10.0.1.22", "2001:db8::1");
    ck_assert_str_eq(c->state_dir, "/s");
    ck_assert_str_eq(c->services_dir, "");
    ck_assert_uint_eq(c->log.level, LOG_DEBUG);
    ASSERT_LIST(c->nats.servers, "tls://n1:4222", "tls://n2");
    ck_assert_str_eq(c->nats.credentials, "");
    ck_assert_str_eq(c->nats.nkey_seed, "");
    ck_assert_str_eq(c->nats.user, "u");
    ck_assert_str_eq(c->nats.password_file, "/p");
    ck_assert_str_eq(c->nats.js_domain, "hub");
    ck_assert_str_eq(c->nats.tls.ca, "/ca");
    ck_assert_str_eq(c->nats.tls.cert, "/cert");
    ck_assert_str_eq(c->nats.tls.key, "/key");
    ck_assert_str_eq(c->registry.services_bucket, "S");
    ck_assert_str_eq(c->registry.hosts_bucket, "H");
    ck_assert_int_eq(c->registry.lease_ttl_ns, 3 * NS_PER_S);
    ck_assert_int_eq(c->registry.record_ttl_ns, 120 * MINUTE_NS);
    ck_assert_int_eq(c->registry.restart_grace_ns, 500 * NS_PER_MS);
    ck_assert_int_eq(c->registry.guard_duration_ns, 10 * MINUTE_NS);
    ck_assert_uint_eq(c->registry.replicas, 3);
    ck_assert_uint_eq(c->registry.guard_percent, 50);
    ck_assert_uint_eq(c->registry.guard_min, 2);
    ck_assert(!c->registry.create);
    ck_assert_uint_eq(c->registry.on_stop, ON_STOP_LEAVE);
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_every_key_of_dns_and_doors)
{
    folder_enter();
    struct config *c = load(everything);
    ASSERT_LIST(c->dns.listen, "127.0.0.1:53", "[::1]:53");
    ASSERT_LIST(c->dns.zones, "a.internal", "10.in-addr.arpa");
    ASSERT_LIST(c->dns.allow, "10.0.0.0/8", "fd00::/8");
    ck_assert_int_eq(c->dns.ttl_ns, 5 * NS_PER_S);
    ck_assert_int_eq(c->dns.tcp_idle_ns, 2 * NS_PER_S);
    ck_assert_int_eq(c->dns.tcp_message_ns, 3 * NS_PER_S);
    ck_assert_uint_eq(c->dns.cache_bytes, 2000000);
    ck_assert_uint_eq(c->dns.workers, 2);
    ck_assert_uint_eq(c->dns.udp_payload, 4096);
    ck_assert_uint_eq(c->dns.remote_payload, 1400);
    ck_assert_uint_eq(c->dns.rrl, 0);
    ck_assert_uint_eq(c->dns.tcp_clients, 10);
    ck_assert_uint_eq(c->dns.tcp_clients_per_address, 5);
    ck_assert_str_eq(c->api.socket, "/run/x");
    ck_assert_str_eq(c->api.register_group, "");
    ck_assert(c->api.exec_checks);
    ck_assert_str_eq(c->http.listen, "");
    ASSERT_LIST(c->http.hosts, "web-1.example.com");
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_every_limit)
{
    folder_enter();
    struct config *c = load(everything);
    ck_assert_uint_eq(c->limits.hosts, 1);
    ck_assert_uint_eq(c->limits.host_changes, 8);
    ck_assert_uint_eq(c->limits.puts, 900);
    ck_assert_uint_eq(c->limits.api_watches, 9);
    ck_assert_uint_eq(c->limits.api_reserve, 3);
    ck_assert_uint_eq(c->n_regions, 1);
    ck_assert_str_eq(c->regions[0].js_domain, "b");
    ck_assert_str_eq(c->trace.endpoint, "http://b:4318");
    ck_assert_str_eq(c->trace.sample, "0.5");
    ck_assert_uint_eq(c->n_failover_services, 1);
    ck_assert_uint_eq(c->failover_services[0].min, 3);
    ck_assert_uint_eq(c->limits.table_bytes, 2000000);
    ck_assert_uint_eq(c->limits.api_watches_per_uid, 10);
    ck_assert_uint_eq(c->limits.api_watches_all, 11);
    ck_assert_uint_eq(c->limits.api_output_bytes, 70000);
    ck_assert_int_eq(c->limits.api_handshake_ns, NS_PER_S);
    ck_assert_int_eq(c->limits.http_time_ns, 2 * NS_PER_S);
    ck_assert_uint_eq(c->limits.services, 2);
    ck_assert_uint_eq(c->limits.instances_per_host, 3);
    ck_assert_uint_eq(c->limits.services_per_domain, 13);
    ck_assert_uint_eq(c->limits.instances, 11);
    ck_assert_uint_eq(c->limits.instances_per_service, 12);
    ck_assert_uint_eq(c->limits.record_bytes, 1024);
    ck_assert_uint_eq(c->limits.mailbox, 4096);
    ck_assert_int_eq(c->limits.snapshot_duration_ns, 30 * NS_PER_S);
    ck_assert_uint_eq(c->limits.api_clients, 4);
    ck_assert_uint_eq(c->limits.api_clients_per_uid, 6);
    ck_assert_uint_eq(c->limits.ejections, 8);
    ck_assert_uint_eq(c->limits.overrides, 9);
    ck_assert_uint_eq(c->limits.checks, 21);
    ck_assert_uint_eq(c->limits.checks_per_instance, 22);
    ck_assert_uint_eq(c->limits.checks_running, 23);
    ck_assert_uint_eq(c->limits.check_recoveries, 24);
    ck_assert_uint_eq(c->limits.http_clients, 7);
    ck_assert_uint_eq(c->limits.http_reserve, 5);
    ck_assert_uint_eq(c->limits.http_held, 8);
    ck_assert_uint_eq(c->limits.events, 9);
    ck_assert_uint_eq(c->limits.events_waiting, 10);
    ck_assert_int_eq(c->limits.http_idle_ns, 3 * NS_PER_S);
    ck_assert_uint_eq(c->limits.http_clients_per_user, 6);
    ck_assert_uint_eq(c->limits.hostnames, 8);
    ck_assert_str_eq(c->resolver.servers.items[1], "[::1]:5353");
    ck_assert_int_eq(c->resolver.min_ttl_ns, 1 * NS_PER_S);
    ck_assert_int_eq(c->resolver.max_ttl_ns, 2 * NS_PER_S);
    ck_assert_int_eq(c->resolver.denied_grace_ns, 3 * NS_PER_S);
    ck_assert_uint_eq(c->resolver.queries, 4);
    ck_assert_uint_eq(c->n_services, 0);
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_defaults)
{
    struct config *c;
    ck_assert_int_eq(config_defaults(&c), 0);
    ck_assert_str_ne(c->host, "");
    ck_assert_str_eq(c->region, "local");
    ck_assert_str_eq(c->zone, "");
    ck_assert_str_eq(c->state_dir, "/var/lib/discoverd");
    ck_assert_str_eq(c->services_dir, "/etc/discoverd/services.d");
    ck_assert_uint_eq(c->log.level, LOG_INFO);
    ASSERT_LIST(c->nats.servers, "nats://127.0.0.1:4222");
    ck_assert_str_eq(c->registry.services_bucket, "SERVICES");
    ck_assert_str_eq(c->registry.hosts_bucket, "HOSTS");
    ck_assert_int_eq(c->registry.lease_ttl_ns, 10 * NS_PER_S);
    ck_assert_int_eq(c->registry.record_ttl_ns, 60 * MINUTE_NS);
    ck_assert_int_eq(c->registry.restart_grace_ns, 5 * NS_PER_S);
    ck_assert_uint_eq(c->registry.replicas, 1);
    ck_assert(c->registry.create);
    ck_assert_uint_eq(c->registry.on_stop, ON_STOP_KEEP);
    ASSERT_LIST(c->dns.listen, "127.0.0.1:8053");
    ASSERT_LIST(c->dns.zones, "discover.internal");
    ck_assert_uint_eq(c->dns.allow.n, 0);
    ck_assert_int_eq(c->dns.ttl_ns, NS_PER_S);
    ck_assert_uint_eq(c->dns.udp_payload, 16384);
    ck_assert_str_eq(c->api.socket, "/run/discoverd/discoverd.sock");
    ck_assert_str_eq(c->api.register_group, "discover");
    ck_assert_str_eq(c->http.listen, "127.0.0.1:8054");
    ck_assert_uint_eq(c->n_services, 0);
    config_free(c);
    config_free(NULL);
}
END_TEST

static void no_change(void *arg, const char *key, bool reloadable)
{
    (void)arg, (void)reloadable;
    ck_abort_msg("%s differs", key);
}

/* All but what depends on the machine it runs on. */
/* ".internal" is reserved for private use; with others there can be more than one zone. DNS is for this host alone. */
START_TEST(test_r54_the_default_zone_is_for_private_use)
{
    struct config *c;
    ck_assert_int_eq(config_defaults(&c), 0);
    ck_assert_uint_eq(c->dns.zones.n, 1);
    ck_assert_str_eq(c->dns.zones.items[0], "discover.internal");
    ck_assert_uint_eq(c->dns.listen.n, 1);
    ck_assert_str_eq(c->dns.listen.items[0], "127.0.0.1:8053"); /* R46 */
    config_free(c);
}
END_TEST

START_TEST(test_empty_file_is_the_defaults)
{
    struct config *defaults;
    char why[CONFIG_WHY_CAP];
    folder_enter();
    ck_assert_int_eq(config_defaults(&defaults), 0);
    ck_assert_int_eq(config_set(defaults, "host", "web-1", why), 0);
    ck_assert_int_eq(config_set(defaults, "services_dir", "", why), 0);
    struct config *c = load("host = \"web-1\"; services_dir = \"\";");
    config_changes(defaults, c, no_change, NULL);
    config_free(c);
    config_free(defaults);
    folder_remove();
}
END_TEST

/* Every default obeys the rules of its own key, except for texts that are left open. */
START_TEST(test_presets_are_valid)
{
    const struct config_table *tables[] = {&config_keys, &policy_keys, &service_keys, &check_keys};
    struct config c = {.n_services = 0};
    struct service_block service = {.port = 0};
    struct check_spec check = {.fall = 0};
    void *bases[] = {&c, &service, &check};
    for (size_t t = 0; t < 3; t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct config_key *key = &tables[t]->keys[i];
            char why[CONFIG_WHY_CAP] = "";
            bool open = !key->preset || (!key->items_max && !key->preset[0]);
            if (open || value_form(key->kind) == FORM_BLOCKS || value_form(key->kind) == FORM_PAIRS)
                continue;
            ck_assert_msg(value_set_any(key, key->preset, bases[t], why) == 0, "%s: %s", key->path, why);
        }
        config_table_fini(tables[t], bases[t]);
    }
}
END_TEST

START_TEST(test_included_files)
{
    folder_enter();
    folder_write("parts/dns", "dns = { ttl = \"7s\"; };\n");
    folder_write("parts/more", "region = \"eu\";\n@include \"dns\"\n");
    struct config *c = load("host = \"web-1\"; services_dir = \"\";\n@include \"parts/more\"\nzone = \"b\";\n");
    ck_assert_int_eq(c->dns.ttl_ns, 7 * NS_PER_S);
    ck_assert_str_eq(c->region, "eu");
    ck_assert_str_eq(c->zone, "b");
    config_free(c);
    folder_remove();
}
END_TEST

struct reported {
    int n;
    char text[256];
};

static void on_report(void *arg, const char *message)
{
    struct reported *reported = arg;
    reported->n++;
    snprintf(reported->text, sizeof reported->text, "%s", message);
}

/* In a namespace of its own the machine may be called anything; without the right to make one there is nothing to see. */
static bool rename_machine(const char *name)
{
    static bool apart;
    if (!apart && unshare(CLONE_NEWUTS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWUTS) < 0)
        return false;
    apart = true;
    ck_assert_int_eq(sethostname(name, strlen(name)), 0);
    return true;
}

START_TEST(test_host_is_the_machine)
{
    struct config *c;
    struct reported reported = {.n = 0};
    folder_enter();
    if (rename_machine("Web-7.example.com")) {
        c = load("services_dir = \"\";");
        ck_assert_str_eq(c->host, "web-7");
        config_free(c);
        ck_assert(rename_machine("web_7"));
        ck_assert_int_eq(config_load("c", on_report, &reported, &c), -EINVAL);
        ck_assert_int_eq(reported.n, 1);
        ck_assert_str_eq(reported.text,
                         "c: host: must be given: the machine's host name is not made of a-z, 0-9 and '-'");
        c = load("services_dir = \"\"; host = \"web-8\";");
        ck_assert_str_eq(c->host, "web-8");
        config_free(c);
        ck_assert_int_eq(config_defaults(&c), 0);
        ck_assert_str_eq(c->host, "localhost");
        config_free(c);
    }
    folder_remove();
}
END_TEST

START_TEST(test_set)
{
    struct config *c;
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_defaults(&c), 0);
    ck_assert_int_eq(config_set(c, "host", "dev", why), 0);
    ck_assert_str_eq(c->host, "dev");
    ck_assert_int_eq(config_set(c, "dns.listen", "127.0.0.1:53 [::1]:53", why), 0);
    ASSERT_LIST(c->dns.listen, "127.0.0.1:53", "[::1]:53");
    ck_assert_int_eq(config_set(c, "dns.listen", "", why), 0);
    ck_assert_uint_eq(c->dns.listen.n, 0);
    ck_assert_int_eq(config_set(c, "registry.create", "false", why), 0);
    ck_assert(!c->registry.create);
    ck_assert_int_eq(config_set(c, "registry.lease_ttl", "500ms", why), 0);
    ck_assert_int_eq(c->registry.lease_ttl_ns, 500 * NS_PER_MS);
    ck_assert_int_eq(config_set(c, "dns.workers", "3", why), 0);
    ck_assert_uint_eq(c->dns.workers, 3);
    ck_assert_int_eq(config_set(c, "log.level", "error", why), 0);
    ck_assert_uint_eq(c->log.level, LOG_ERR);
    config_free(c);
}
END_TEST

START_TEST(test_set_refused)
{
    static const struct {
        const char *key, *text, *why;
    } rows[] = {
        {"host", "", "must not be empty"},
        {"host", "A", "\"A\" must be a name: a-z, 0-9 and '-' inside, at most 63; did you mean \"a\"?"},
        {"dns.workers", "0", "0 is out of range 1..64"},
        {"dns.workers", "2x", "\"2x\" must be a whole number"},
        {"dns.workers", "", "\"\" must be a whole number"},
        {"dns.workers", "99999999999999999999", "99999999999999999999 is out of range 1..64"},
        {"registry.create", "yes", "\"yes\" must be true or false"},
        {"log.level", "loud", "\"loud\" is none of error, warning, notice, info, debug"},
        {"nats.servers", "", "must not be empty"},
        {"nats.servers", "nats://a nats://a", "\"nats://a\" is there already"},
        {"services", "x", "cannot be set from text"},
    };
    struct config *c, *defaults;
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_defaults(&c), 0);
    ck_assert_int_eq(config_defaults(&defaults), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(config_set(c, rows[i].key, rows[i].text, why), -EINVAL);
        ck_assert_str_eq(why, rows[i].why);
    }
    ck_assert_int_eq(config_set(c, "dns", "x", why), -ENOENT);
    ck_assert_int_eq(config_set(c, "none", "x", why), -ENOENT);
    config_changes(defaults, c, no_change, NULL);
    config_free(defaults);
    config_free(c);
}
END_TEST

static void note(void *arg, const char *key, bool reloadable)
{
    char *notes = arg;
    strcat(strcat(notes, key), reloadable ? "+ " : " ");
}

static void note_start(void *arg, const char *key, bool reloadable)
{
    if (!reloadable)
        note(arg, key, false);
}

START_TEST(test_changes)
{
    char notes[4096] = "", why[CONFIG_WHY_CAP];
    struct config *before, *after;
    folder_enter();
    ck_assert_int_eq(config_defaults(&before), 0);
    ck_assert_int_eq(config_defaults(&after), 0);
    ck_assert_int_eq(config_set(after, "zone", "b", why), 0);
    ck_assert_int_eq(config_set(after, "log.level", "debug", why), 0);
    ck_assert_int_eq(config_set(after, "registry.create", "false", why), 0);
    ck_assert_int_eq(config_set(after, "dns.ttl", "2s", why), 0);
    ck_assert_int_eq(config_set(after, "dns.allow", "10.0.0.0/8", why), 0);
    ck_assert_int_eq(config_set(after, "dns.zones", "a.internal", why), 0);
    config_changes(before, after, note, notes);
    ck_assert_str_eq(notes, "zone log.level+ registry.create dns.zones dns.ttl dns.allow ");
    config_free(after);

    /* The file above changes every key but those it sets to what they are anyway. */
    char changed[4096] = "";
    size_t n = 0;
    after = load(everything);
    config_changes(before, after, note, changed);
    for (const char *c = changed; *c; c++)
        n += *c == ' ';
    /* Without credentials, nkey_seed, and four lists of groups, of which two (regions, failover_services) are told of all the same. */
    ck_assert_uint_eq(n, config_keys.n - 4);

    /* A reload takes what the table says it does, and nothing else. */
    struct config *fresh = load(everything);
    changed[0] = notes[0] = '\0';
    config_changes(before, after, note_start, notes);
    config_reload(before, fresh);
    config_changes(before, after, note, changed);
    ck_assert_str_eq(changed, notes);
    config_free(fresh);
    config_free(after);
    config_free(before);
    folder_remove();
}
END_TEST

UNIT_TESTS("config", test_every_key, test_every_key_of_dns_and_doors, test_every_limit, test_defaults,
           test_r54_the_default_zone_is_for_private_use, test_empty_file_is_the_defaults, test_presets_are_valid,
           test_included_files, test_host_is_the_machine, test_set, test_set_refused, test_changes)
