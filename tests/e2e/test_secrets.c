/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proves who we are is changed while everything runs: passwords and certificates are rotated, the NATS servers move,
 * and no lease is lost meanwhile; a reload tells what became of it; what TLS does not like is named.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/rotation.h"
#include "tests/support/certificates.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/proc.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats other;
static char auth[2048];

/* ---- passwords ---- */

static void set_password(const char *password)
{
    snprintf(auth, sizeof auth, "authorization { user: d, password: \"%s\" }", password);
    nats.extra = auth;
}

static void start_with_password(struct host *h, const char *name)
{
    char bus[1024];
    snprintf(bus, sizeof bus, "user = \"d\"; password_file = \"%s/password\";", e2e_folder());
    host_start(h, &(struct host_options){.name = name, .nats = nats.urls, .bus = bus});
}

static void start_two_with_password(void)
{
    nats_init(&nats, 1);
    set_password("first");
    write_secret("password", "first");
    nats_server_launch(&nats, 0);
    start_with_password(&a, "a");
    start_with_password(&b, "b");
    register_pay();
}

/* Nobody has to say anything: the connection ends, and the next one takes what the file says then. */
START_TEST(password_rotated_under_load)
{
    start_two_with_password();
    int64_t connects = host_counter(&a, "discoverd_bus_connects_total");
    write_secret("password", "second");
    set_password("second");
    nats_server_reload(&nats, 0);
    wait_until(5000, works() && host_counter(&a, "discoverd_bus_connects_total") > connects, b.seen);
    holds_for(LEASE_MS + 1000, works(), b.seen);
    nothing_was_lost();
}
END_TEST

/* The host is told first: what it has goes on until the server knows the new one, too. */
START_TEST(password_that_comes_too_early)
{
    start_two_with_password();
    write_secret("password", "second");
    proc_signal(&a.proc, SIGHUP);
    wait_until(5000, works() && logged(&a, "stays with the connection it has"), b.seen);
    holds_for(LEASE_MS + 1000, works(), b.seen);
    set_password("second");
    nats_server_reload(&nats, 0);
    holds_for(LEASE_MS + 1000, works(), b.seen);
    nothing_was_lost();
}
END_TEST

START_TEST(password_that_cannot_be_used_is_refused)
{
    char path[512];
    start_two_with_password();
    snprintf(path, sizeof path, "%s/password", e2e_folder());
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 1);
    ck_assert_msg(strstr(o.out, "refused") && strstr(o.out, "nats.password_file") && strstr(o.out, "chmod 0640"), "%s",
                  o.out);
    (void)wait_until(5000, logged(&a, "chmod 0640"), "not in the log");
    ck_assert_int_eq(chmod(path, 0600), 0);
    write_secret("password", "");
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 1);
    ck_assert_msg(strstr(o.out, "nothing in its first line"), "%s", o.out);
    ck_assert_int_eq(unlink(path) | mkfifo(path, 0600), 0);
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 1);
    ck_assert_msg(strstr(o.out, "a pipe, a socket or a device"), "%s", o.out);
    holds_for(500, works(), b.seen);
}
END_TEST

/* ---- certificates ---- */

static void tls_server(struct nats *n, const char *name)
{
    const char *dir = e2e_folder();
    nats_init(n, 1);
    snprintf(auth, sizeof auth,
             "tls { cert_file: \"%s/%s.pem\", key_file: \"%s/%s.key\", ca_file: \"%s/both.pem\", verify: true }", dir,
             name, dir, name, dir);
    n->extra = auth;
    nats_server_launch(n, 0);
}

static void tls_options(struct host_options *options, char bus[static 2048], char url[static 64], const char *client)
{
    const char *dir = e2e_folder();
    snprintf(url, 64, "\"nats://localhost:%d\"", nats.server[0].port);
    snprintf(bus, 2048, "tls = { ca = \"%s/ca.pem\"; cert = \"%s/%s.pem\"; key = \"%s/%s.key\"; };", dir, dir, client,
             dir, client);
    options->nats = url;
    options->bus = bus;
}

static void make_authorities(void)
{
    make_authority("ca");
    make_authority("next");
    ck_assert_int_eq(shell(&o, "cd %s && cat ca.pem next.pem >both.pem", e2e_folder()), 0);
}

START_TEST(certificate_rotated_under_load)
{
    char bus[2048], url[64];
    struct host_options options = {.name = "a"};
    make_authorities();
    make_certificate("ca", "server", "localhost", 2);
    make_certificate("ca", "client", "client", 2);
    tls_server(&nats, "server");
    tls_options(&options, bus, url, "client");
    host_start(&a, &options);
    options.name = "b";
    host_start(&b, &options);
    register_pay();
    make_certificate("next", "client", "client", 2);
    ck_assert_msg(ctl(&a, &o, "reload", NULL) == 0, "%s%s", o.out, o.err);
    ck_assert_msg(strstr(o.out, "taken") && strstr(o.out, "the files of nats"), "%s", o.out);
    wait_until(5000, works() && logged(&a, "connected anew"), b.seen);
    holds_for(LEASE_MS + 1000, works(), b.seen);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_disconnects_total"), 0);
    nothing_was_lost();
}
END_TEST

/* What a host that cannot connect says of it. */
static void says(const char *client, const char *text)
{
    static int n;
    char bus[2048], url[64], name[32];
    struct host_options options = {.name = name};
    snprintf(name, sizeof name, "host-%d", ++n);
    tls_options(&options, bus, url, client);
    host_init(&a, &options);
    host_launch(&a);
    host_wait_up(&a);
    wait_until(10000, ctl(&a, &o, "status", NULL) >= 0 && strstr(o.out, text), o.out);
    host_kill(&a);
    nats_server_kill(&nats, 0);
}

START_TEST(what_tls_does_not_like_is_named)
{
    make_authorities();
    make_authority("foreign");
    make_certificate("ca", "server", "localhost", 2);
    make_certificate("ca", "client", "client", 2);
    make_certificate("ca", "old-client", "client", -1);
    make_certificate("foreign", "foreign-client", "client", 2);
    make_certificate("ca", "old-server", "localhost", -1);
    make_certificate("ca", "misnamed", "elsewhere", 2);
    make_certificate("foreign", "foreign-server", "localhost", 2);
    tls_server(&nats, "server");
    says("old-client", "our certificate (nats.tls.cert) has expired");
    tls_server(&nats, "server");
    says("foreign-client", " our certificate (nats.tls.cert)"); /* newer servers say why they refuse it */
    tls_server(&nats, "old-server");
    says("client", "certificate has expired");
    tls_server(&nats, "misnamed");
    says("client", "does not match");
    tls_server(&nats, "foreign-server");
    says("client", "unknown authority");
}
END_TEST

/* ---- servers, and what a reload tells ---- */

static void change_config(const struct host *h, const char *from, const char *to)
{
    ck_assert_msg(shell(&o, "sed -i 's#%s#%s#' %s && grep -qF '%s' %s", from, to, h->config, to, h->config) == 0, "%s",
                  o.err);
}

START_TEST(other_servers_are_taken)
{
    nats_start(&nats, 1);
    nats_start(&other, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    register_pay();
    change_config(&a, nats.server[0].url, other.server[0].url);
    change_config(&b, nats.server[0].url, other.server[0].url);
    ck_assert_int_eq(ctl(&b, &o, "reload", NULL), 0);
    ck_assert_msg(strstr(o.out, "nats.servers"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 0);
    nats_server_kill(&nats, 0);
    wait_until(10000, seen_by_all(&b, "shop/pay", 1), b.seen);
    holds_for(LEASE_MS + 1000, seen_by_lib(&b, "shop/pay") == 1, b.seen);
}
END_TEST

START_TEST(reload_tells_what_became_of_it)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .extra = "zone = \"one\"; log = { level = \"info\"; };"});
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 0);
    ck_assert_msg(strstr(o.out, "nothing has changed"), "%s", o.out);
    change_config(&a, "zone = \"one\"", "zone = \"two\"");
    change_config(&a, "\"info\"", "\"debug\"");
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 0);
    ck_assert_msg(strstr(o.out, "taken          log.level\n") && strstr(o.out, "needs restart  zone\n"), "%s", o.out);
    (void)wait_until(5000, logged(&a, "zone has changed; it takes effect with the next start"), "not in the log");
    change_config(&a, "\"debug\"", "\"loud\"");
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 1);
    ck_assert_msg(strstr(o.out, "refused") && strstr(o.out, "log.level") && !strstr(o.out, "taken"), "%s", o.out);
    (void)wait_until(5000, logged(&a, "the configuration is not reloaded: it goes on as it was"), "not in the log");
}
END_TEST

/* ---- discoverd -t ---- */

static int tested(void)
{
    return run(&o, (const char *const[]){e2e_binary("discoverd"), "-t", "-c", a.config, NULL});
}

START_TEST(what_is_named_is_tried)
{
    char bus[2048], url[64], path[512];
    struct host_options options = {.name = "a"};
    nats_init(&nats, 1);
    make_authorities();
    make_certificate("ca", "client", "client", 20);
    tls_options(&options, bus, url, "client");
    host_init(&a, &options);
    ck_assert_msg(tested() == 0 && !strstr(o.err, "nats.tls.cert"), "%s", o.err);
    make_certificate("ca", "client", "client", 5);
    ck_assert_msg(tested() == 0 && strstr(o.err, "expires soon"), "%s", o.err);
    make_certificate("ca", "client", "client", -1);
    ck_assert_msg(tested() == 2 && strstr(o.err, "nats.tls.cert") && strstr(o.err, "has expired"), "%s", o.err);
    make_certificate("ca", "client", "client", 20);
    snprintf(path, sizeof path, "%s", a.state_dir);
    change_config(&a, a.state_dir, "/dev/null/state");
    ck_assert_msg(tested() == 2 && strstr(o.err, "state_dir: "), "%s", o.err);
    change_config(&a, "/dev/null/state", path);
    ck_assert_int_eq(tested(), 0);
}
END_TEST

/* What root may read, the daemon's user may not. */
START_TEST(root_tries_with_the_rights_of_the_daemons_user)
{
    static const char *const user = "nobody";
    char bus[1024];
    snprintf(bus, sizeof bus, "user = \"d\"; password_file = \"%s/password\";", e2e_folder());
    write_secret("password", "first");
    host_init(&a, &(struct host_options){.name = "a", .bus = bus});
    const char *const as[] = {e2e_binary("discoverd"), "-t", "--user", user, "-c", a.config, NULL};
    if (geteuid() != 0) {
        ck_assert_int_eq(run(&o, as), 2);
        ck_assert_msg(strstr(o.err, "only root"), "%s", o.err);
        return;
    }
    ck_assert_msg(tested() == 0, "%s", o.err);
    ck_assert_int_eq(shell(&o, "chmod 711 %s && chmod 755 %s %s", e2e_folder(), a.folder, a.services_dir), 0);
    ck_assert_msg(run(&o, as) == 2 && strstr(o.err, "password_file") && strstr(o.err, "state_dir: "), "%s", o.err);
    ck_assert_int_eq(shell(&o, "chgrp $(id -g %s) %s/password && chmod 640 %s/password && chown -R %s %s", user,
                           e2e_folder(), e2e_folder(), user, a.state_dir),
                     0);
    ck_assert_msg(run(&o, as) == 0 && strstr(o.out, "good for user nobody"), "%s%s", o.out, o.err);
    ck_assert_int_eq(shell(&o, "chmod 600 %s", a.config), 0);
    ck_assert_msg(run(&o, as) == 2 && strstr(o.err, a.config), "%s", o.err);
    const char *const unknown[] = {as[0], "-t", "--user", "no such user", "-c", a.config, NULL};
    ck_assert_msg(run(&o, unknown) == 2 && strstr(o.err, "no such user"), "%s", o.err);
}
END_TEST

/* Of another program; those of the daemon itself, when it runs, are no mistake. */
START_TEST(ports_are_tried)
{
    host_init(&a, &(struct host_options){.name = "a"});
    host_run_offline(&a);
    ck_assert_msg(tested() == 0, "%s", o.err);
    host_init(&b, &(struct host_options){.name = "b", .dns_port = a.dns_port});
    ck_assert_int_eq(run(&o, (const char *const[]){e2e_binary("discoverd"), "-t", "-c", b.config, NULL}), 2);
    ck_assert_msg(strstr(o.err, "dns.listen") && strstr(o.err, "in use"), "%s", o.err);
}
END_TEST

/* For HTTP, which has one address, [::] is IPv4 as well, and taken when that is. */
START_TEST(port_of_both_families)
{
    host_init(&a, &(struct host_options){.name = "a"});
    host_run_offline(&a);
    host_init(&b, &(struct host_options){.name = "b", .http_port = a.http_port});
    ck_assert_int_eq(shell(&o, "sed -i 's/127.0.0.1:%d/[::]:%d/' %s", b.http_port, b.http_port, b.config), 0);
    if (access("/proc/net/if_inet6", F_OK) != 0) {
        printf("-- skipped: there is no IPv6\n");
        return;
    }
    ck_assert_int_eq(run(&o, (const char *const[]){e2e_binary("discoverd"), "-t", "-c", b.config, NULL}), 2);
    ck_assert_msg(strstr(o.err, "http.listen") && strstr(o.err, "in use"), "%s", o.err);
}
END_TEST

E2E_TESTS("secrets", 90, {"password_rotated_under_load", password_rotated_under_load},
          {"password_that_comes_too_early", password_that_comes_too_early},
          {"password_that_cannot_be_used_is_refused", password_that_cannot_be_used_is_refused},
          {"certificate_rotated_under_load", certificate_rotated_under_load},
          {"what_tls_does_not_like_is_named", what_tls_does_not_like_is_named},
          {"other_servers_are_taken", other_servers_are_taken}, {"what_is_named_is_tried", what_is_named_is_tried},
          {"ports_are_tried", ports_are_tried}, {"port_of_both_families", port_of_both_families},
          {"root_tries_with_the_rights_of_the_daemons_user", root_tries_with_the_rights_of_the_daemons_user},
          {"reload_tells_what_became_of_it", reload_tells_what_became_of_it})
