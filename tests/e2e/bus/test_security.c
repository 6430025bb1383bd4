/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the bus is let in, what it may not do, and that it says so: passwords, nkeys, TLS, permissions; and that the
 * permissions of examples/nats/nats-server.conf are enough, and keep a host to its own keys.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/bus/station.h"
#include "tests/support/certificates.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/proc.h"
#include "tests/support/raw_nats.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define WAIT_MS 10000

static struct nats nats;
static struct station a;

START_TEST(test_denial_names_the_subject)
{
    nats_init(&nats, 1);
    nats.extra =
        "authorization { users = [ { user: a, password: secret, permissions: {\n"
        "  publish: [\"$KV.SERVICES.*.*.a.>\", \"$JS.API.>\"], subscribe: [\"_INBOX.a.>\", \"discover.test.>\"] } },\n"
        "  { user: admin, password: admin } ] }\nno_auth_user: admin";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    struct bus_options options = station_options(&nats, "a");
    options.user = "a";
    options.password_file = station_password("secret");
    station_start(&a, &options);
    station_resync(&a, BUS_SERVICES);
    ck_assert_int_eq(a.bucket[BUS_SERVICES].end_err, 0);
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "mine");
    ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, "shop.payment.other.p1", "not mine", 8, 1, NULL), 0);
    int64_t took_ns = wait_until(1000, station_pump(&a) && a.done == 2, station_seen(&a));
    measured("a denial is reported after", took_ns);
    ck_assert_int_eq(a.last_err, -EACCES);
    ck_assert_msg(strstr(a.last_reason, "$KV.SERVICES.shop.payment.other.p1"), "%s", a.last_reason);
    wait_until(1000, station_pump(&a) && strstr(a.problem, "$KV.SERVICES.shop.payment.other.p1"), station_seen(&a));
    ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, "shop.rpc.other.p1", "not mine", 8, 2, NULL),
                     0); /* a name like any other */
    wait_until(1000, station_pump(&a) && a.done == 3, station_seen(&a));
    ck_assert_int_eq(a.last_err, -EACCES);
    station_stop(&a);
}
END_TEST

START_TEST(test_wrong_password_is_reported)
{
    nats_init(&nats, 1);
    nats.extra = "authorization { users = [ { user: a, password: secret }, { user: admin, password: admin } ] }\n"
                 "no_auth_user: admin";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    struct bus_options options = station_options(&nats, "a");
    options.user = "a";
    options.password_file = station_password("wrong");
    station_start(&a, &options);
    wait_until(WAIT_MS, station_pump(&a) && strstr(a.problem, "uthorization"), station_seen(&a));
    station_stop(&a);
}
END_TEST

START_TEST(test_nkey)
{
    static const char seed[] = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y\n";
    char path[512];
    snprintf(path, sizeof path, "%s/seed.nk", e2e_folder());
    FILE *file = fopen(path, "w");
    ck_assert(file && fchmod(fileno(file), 0600) == 0 && fputs(seed, file) >= 0 && fclose(file) == 0);
    nats_init(&nats, 1);
    nats.extra = "authorization { users = [ { nkey: UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK },\n"
                 "  { user: admin, password: admin } ] }\nno_auth_user: admin";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    struct bus_options options = station_options(&nats, "a");
    options.nkey_seed = path;
    station_start(&a, &options);
    wait_until(WAIT_MS, station_pump(&a) && a.connects == 1, station_seen(&a));
    station_stop(&a);
}
END_TEST

/* An operator, an account and a user, who are in no configuration: all that the server knows stands in JWTs. */
static char *make_credentials(char ret_creds[static 512])
{
    static char conf[16384];
    struct output o;
    char path[512];
    ck_assert_msg(shell(&o,
                        "%s %s '\"pub\":{\"allow\":[\"$KV.SERVICES.*.*.a.>\",\"$KV.HOSTS.a\",\"$JS.API.>\"]},"
                        "\"sub\":{\"allow\":[\"_INBOX.a.>\",\"discover.test.>\"]}'",
                        MAKE_CREDS, e2e_folder()) == 0,
                  "%s", o.err);
    snprintf(path, sizeof path, "%s/operator.conf", e2e_folder());
    snprintf(ret_creds, 512, "%s/user.creds", e2e_folder());
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    conf[fread(conf, 1, sizeof conf - 1, file)] = '\0';
    fclose(file);
    return conf;
}

START_TEST(test_credentials_file)
{
    char creds[512];
    char why[BUS_WHY_CAP];
    struct bus *bus;
    nats_init(&nats, 1);
    nats.extra = make_credentials(creds);
    nats_server_launch(&nats, 0);
    struct bus_options options = station_options(&nats, "a");
    station_start(&a, &options); /* without */
    wait_until(WAIT_MS, station_pump(&a) && strstr(a.problem, "uthorization"), station_seen(&a));
    ck_assert_uint_eq(a.connects, 0);
    station_stop(&a);

    options.credentials = creds;
    station_start(&a, &options);
    wait_until(WAIT_MS, station_synced(&a, BUS_SERVICES), station_seen(&a));
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "mine");
    ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, "shop.payment.other.p1", "not mine", 8, 1, NULL), 0);
    wait_until(5000, station_pump(&a) && a.last_err == -EACCES, station_seen(&a));
    ck_assert_msg(strstr(a.last_reason, "$KV.SERVICES.shop.payment.other.p1"), "%s", a.last_reason);
    station_stop(&a);

    ck_assert_int_eq(chmod(creds, 0644), 0);
    ck_assert_int_eq(bus_new(&options, &(struct bus_events){0}, NULL, &bus, why), -EINVAL);
    ck_assert_msg(strstr(why, "nats.credentials: others may read"), "%s", why);
    options.credentials = "/nonexistent";
    ck_assert_int_eq(bus_new(&options, &(struct bus_events){0}, NULL, &bus, why), -EINVAL);
    ck_assert_msg(strstr(why, "nats.credentials: No such file"), "%s", why);
}
END_TEST

/* The authorization of the example, as it stands there. */
static char *example_authorization(void)
{
    static char text[16384];
    FILE *file = fopen(EXAMPLES_DIR "/nats/nats-server.conf", "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 32, file)] = '\0';
    fclose(file);
    char *found = strstr(text, "\nauthorization {");
    ck_assert_ptr_nonnull(found);
    return strcat(found, "\nno_auth_user: admin\n");
}

static void start_as(const char *host, const char *user, const char *password, bool create)
{
    struct bus_options options = station_options(&nats, host);
    options.region = "local";
    options.user = user;
    options.password_file = station_password(password);
    options.create = create;
    station_start(&a, &options);
    station_resync(&a, BUS_SERVICES);
    station_resync(&a, BUS_HOSTS);
}

/* The reason with which a put is refused. */
static void refused(enum bus_bucket bucket, const char *key)
{
    unsigned before = a.done;
    ck_assert_int_eq(bus_put(a.bus, bucket, key, "x", 1, UINT64_MAX, NULL), 0);
    wait_until(1000, station_pump(&a) && a.done > before, station_seen(&a));
    ck_assert_msg(a.last_err == -EACCES && strstr(a.last_reason, key), "%s: %s", key, station_seen(&a));
}

START_TEST(test_permissions_of_the_example)
{
    nats_init(&nats, 1);
    nats.extra = example_authorization();
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    start_as("web-1", "web-1", "web-1-secret", true); /* may not make the buckets, whatever its configuration says */
    ck_assert_int_ne(a.bucket[BUS_SERVICES].end_err, 0);
    ck_assert_msg(strstr(a.problem, "$JS.API.STREAM.CREATE.KV_SERVICES"), "%s", a.problem);
    station_stop(&a);
    start_as("admin", "admin", "admin-secret", true);
    ck_assert_int_eq(a.bucket[BUS_SERVICES].end_err, 0);
    station_put(&a, BUS_SERVICES, "shop.payment.web-2.p1", "another's");
    station_stop(&a);

    start_as("web-1", "web-1", "web-1-secret", false);
    ck_assert_int_eq(a.bucket[BUS_SERVICES].end_err, 0);
    ck_assert_int_eq(a.bucket[BUS_HOSTS].end_err, 0);
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].entries, 1);
    station_put(&a, BUS_SERVICES, "shop.payment.web-1.p1", "mine");
    station_put(&a, BUS_HOSTS, "web-1", "mine");
    wait_until(WAIT_MS, station_pump(&a) && a.bucket[BUS_SERVICES].live == 1 && a.bucket[BUS_HOSTS].live == 1,
               station_seen(&a));
    ck_assert_msg(a.problems == 0, "%s", a.problem); /* nothing it needs was denied */
    refused(BUS_SERVICES, "shop.payment.web-2.p1");
    refused(BUS_HOSTS, "web-2");
    station_stop(&a);
}
END_TEST

static void start_daemon(struct host *h, const char *name)
{
    char path[512], bus[1024];
    snprintf(path, sizeof path, "%s/%s.password", e2e_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert(file && fchmod(fileno(file), 0600) == 0 && fprintf(file, "%s-secret\n", name) > 0 && fclose(file) == 0);
    snprintf(bus, sizeof bus, "user = \"%s\"; password_file = \"%s\";", name, path);
    host_start(h, &(struct host_options){.name = name, .nats = nats.urls, .registry = "create = false;", .bus = bus});
}

/* An operator asks, and hears what is told; a host may answer, once each, and nothing more. */
static void check_answers(void)
{
    static struct raw_nats admin;
    raw_open(&admin, nats.server[0].port, "admin", "admin-secret");
    (void)raw_subscribe(&admin, "_INBOX.x.*");
    (void)raw_subscribe(&admin, "discover.local.event.>");
    raw_publish(&admin, "discover.local.rpc.host.web-1.hosts", "_INBOX.x.1", NULL, "", 0);
    raw_publish(&admin, "$SRV.PING", "_INBOX.x.2", NULL, "", 0);
    raw_publish(&admin, "discover.local.rpc.resolve", "_INBOX.x.3", NULL, "{\"service\":\"shop/stays\"}", 24);
    wait_until(2000, raw_pump(&admin) && admin.n_messages >= 4, admin.error); /* two hosts hear the second */
    raw_close(&admin);
}

/* Everything that a daemon does in its life is allowed there. */
START_TEST(test_daemons_under_the_permissions_of_the_example)
{
    static struct host web1, web2;
    static struct output o;
    nats_init(&nats, 1);
    nats.extra = example_authorization();
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    start_as("admin", "admin", "admin-secret", true); /* what discoverd --init does */
    station_stop(&a);
    start_daemon(&web1, "web-1");
    start_daemon(&web2, "web-2");
    ck_assert_int_eq(ctl(&web1, &o, "register", "shop/pay", "--port", "80", "--ttl", "60s", NULL), 0);
    wait_until(2000, seen_by_all(&web2, "shop/pay", 1), web2.seen);
    ck_assert_int_eq(ctl(&web1, &o, "deregister", "shop/pay", NULL), 0);
    wait_until(2000, seen_by_all(&web2, "shop/pay", 0), web2.seen);
    ck_assert_int_eq(ctl(&web1, &o, "register", "shop/stays", "--port", "80", "--ttl", "60s", NULL), 0);
    host_kill(&web1);
    host_run(&web1); /* in the place of its earlier life */
    wait_until(2000, seen_by_all(&web2, "shop/stays", 1), web2.seen);
    check_answers();
    ck_assert_int_eq(host_counter(&web1, "discoverd_bus_denials_total"), 0);
    ck_assert_int_eq(host_counter(&web2, "discoverd_bus_denials_total"), 0);
    host_leave(&web1);
    wait_until(2000, seen_by_all(&web2, "shop/stays", 0), web2.seen);
}
END_TEST

static struct raw_nats attacker;

static void say(const char *subject, const char *reply, const char *value)
{
    raw_publish(&attacker, subject, reply, NULL, value, strlen(value));
    ck_assert(raw_flush(&attacker));
}

static bool is_gone(const char *bucket)
{
    char subject[64], reply[64];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.%s", bucket);
    snprintf(reply, sizeof reply, "_INBOX.web-1.gone.%s", bucket);
    say(subject, reply, "");
    (void)raw_pump(&attacker);
    const struct raw_message *m = raw_find_value(&attacker, "stream not found");
    return m != NULL;
}

/* A pull that finds nothing is answered with an empty status, which is a request to delete the bucket. */
static void delete_by_a_status(const char *bucket)
{
    char subject[128], reply[64], name[32] = "", config[160];
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.CREATE.%s", bucket);
    snprintf(reply, sizeof reply, "_INBOX.web-1.%s", bucket);
    snprintf(config, sizeof config,
             "{\"stream_name\":\"%s\",\"config\":{\"ack_policy\":\"none\",\"deliver_policy\":\"new\"}}", bucket);
    say(subject, reply, config);
    wait_until(WAIT_MS, raw_pump(&attacker) && raw_find(&attacker, reply), attacker.error);
    const char *found = strstr(raw_find(&attacker, reply)->value, "\"name\":\"");
    ck_assert(found && sscanf(found, "\"name\":\"%31[A-Za-z0-9]", name) == 1);
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", bucket, name);
    snprintf(reply, sizeof reply, "$JS.API.STREAM.DELETE.%s", bucket);
    say(subject, reply, "{\"batch\":1,\"no_wait\":true}");
}

/*
 * README: who wants to can overwrite any lease or record, slip changes into the live feed of others (daemons take none of
 * those for true), and delete both buckets. It is a warning: should this fail, the server has become better.
 */
START_TEST(test_what_the_permissions_of_the_example_leave_open)
{
    static struct host web2;
    static struct output o;
    struct kv kv;
    char found[1024];
    nats_init(&nats, 1);
    nats.extra = example_authorization();
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    start_as("admin", "admin", "admin-secret", true);
    station_stop(&a);
    start_daemon(&web2, "web-2");
    ck_assert_int_eq(ctl(&web2, &o, "register", "shop/pay", "--port", "80", "--instance", "p1", "--ttl", "60s", NULL),
                     0);
    raw_open(&attacker, nats.server[0].port, "web-1", "web-1-secret");
    (void)raw_subscribe(&attacker, "_INBOX.web-1.>");
    (void)raw_subscribe(&attacker, "discover.local.services.>");
    kv_open(&kv, nats.server[0].url);

    /* Into the feed, under a name that is nobody's, and under the host's own. */
    say("$KV.SERVICES.shop.pay.web-1.x", "discover.local.services.shop.pay.web-9.p1", "x");
    say("$KV.SERVICES.shop.pay.web-1.x", "discover.local.services.shop.pay.web-2.p1", "x");
    wait_until(WAIT_MS, raw_pump(&attacker) && raw_find(&attacker, "discover.local.services.shop.pay.web-2.p1"),
               attacker.error);
    holds_for(1000, seen_by_all(&web2, "shop/pay", 1), web2.seen);

    host_kill(&web2); /* alive, it would put them again */
    say("$KV.SERVICES.shop.pay.web-1.x", "$KV.HOSTS.web-2", "x");
    say("$KV.SERVICES.shop.pay.web-1.x", "$KV.SERVICES.shop.pay.web-2.p1", "x");
    wait_until(WAIT_MS, kv_get(&kv, "HOSTS", "web-2", found, sizeof found) > 0 && strstr(found, "KV_SERVICES"), found);
    wait_until(WAIT_MS,
               kv_get(&kv, "SERVICES", "shop.pay.web-2.p1", found, sizeof found) > 0 && strstr(found, "KV_SERVICES"),
               found);
    delete_by_a_status("KV_HOSTS");
    delete_by_a_status("KV_SERVICES");
    wait_until(WAIT_MS, is_gone("KV_HOSTS") && is_gone("KV_SERVICES"), attacker.error);
    kv_close(&kv);
    raw_close(&attacker);
}
END_TEST

static void make_certificates(void)
{
    make_authority("ca");
    make_certificate("ca", "localhost", "localhost", 2);
    make_certificate("ca", "client", "client", 2);
}

START_TEST(test_tls)
{
    char extra[1024], ca[512], cert[512], key[512], url[64];
    const char *dir = e2e_folder();
    char why[BUS_WHY_CAP];
    make_certificates();
    nats_init(&nats, 1);
    snprintf(extra, sizeof extra,
             "tls { cert_file: \"%s/localhost.pem\", key_file: \"%s/localhost.key\", "
             "ca_file: \"%s/ca.pem\", verify: true }",
             dir, dir, dir);
    nats.extra = extra;
    nats_server_launch(&nats, 0);
    snprintf(url, sizeof url, "nats://localhost:%d", nats.server[0].port);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    snprintf(cert, sizeof cert, "%s/client.pem", dir);
    snprintf(key, sizeof key, "%s/client.key", dir);
    struct bus_options options = station_options(&nats, "a");
    options.servers = (const char *const[]){url};
    options.tls_ca = ca;
    station_start(&a, &options); /* without a certificate of its own */
    wait_until(WAIT_MS, station_pump(&a) && a.problems > 0, station_seen(&a));
    ck_assert_uint_eq(a.connects, 0);
    station_stop(&a);
    options.tls_cert = cert;
    options.tls_key = key;
    station_start(&a, &options);
    wait_until(WAIT_MS, station_synced(&a, BUS_HOSTS), station_seen(&a));
    station_put(&a, BUS_HOSTS, "a", "x");
    station_stop(&a);
    options.tls_key = ca;
    struct bus *bus;
    ck_assert_int_eq(bus_new(&options, &(struct bus_events){0}, NULL, &bus, why), -EINVAL);
    ck_assert_msg(strstr(why, "nats.tls.cert"), "%s", why);
}
END_TEST

/* Its certificate is good, but of another server. */
START_TEST(test_tls_checks_the_name)
{
    char extra[1024], ca[512];
    const char *dir = e2e_folder();
    make_certificates();
    nats_init(&nats, 1);
    snprintf(extra, sizeof extra, "tls { cert_file: \"%s/client.pem\", key_file: \"%s/client.key\" }", dir, dir);
    nats.extra = extra;
    nats_server_launch(&nats, 0);
    char url[64];
    snprintf(url, sizeof url, "nats://localhost:%d", nats.server[0].port);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    struct bus_options options = station_options(&nats, "a");
    options.servers = (const char *const[]){url};
    options.tls_ca = ca;
    station_start(&a, &options);
    wait_until(WAIT_MS, station_pump(&a) && strstr(a.problem, "does not match"), station_seen(&a));
    ck_assert_uint_eq(a.connects, 0);
    station_stop(&a);
}
END_TEST

E2E_TESTS("bus security", 60, {"denial_names_the_subject", test_denial_names_the_subject},
          {"wrong_password_is_reported", test_wrong_password_is_reported}, {"nkey", test_nkey},
          {"credentials_file", test_credentials_file}, {"permissions_of_the_example", test_permissions_of_the_example},
          {"daemons_under_the_permissions_of_the_example", test_daemons_under_the_permissions_of_the_example},
          {"what_the_permissions_of_the_example_leave_open", test_what_the_permissions_of_the_example_leave_open},
          {"tls", test_tls}, {"tls_checks_the_name", test_tls_checks_the_name})
