/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.snap: a daemon that starts without NATS answers from it, and says how old that is; what is damaged
 * or not a catalog at all is named, set aside, and answers nothing. */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define WAIT_MS 20000 /* when something does not come at all */

static struct nats nats;
static struct host a, b;
static char path[320];
static struct {
    char bytes[1 << 16];
    size_t n;
} whole;

static void put_file(const char *bytes, size_t n)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    ck_assert_int_eq(fclose(out), 0);
}

/* On A there is a service; B has stored it. Then NATS is gone, and B, too. */
static void start(void)
{
    nats_start(&nats, 1);
    host_start(
        &a, &(struct host_options){.name = "a", .nats = nats.urls, .services = "{ name = \"shop/fixed\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    snprintf(path, sizeof path, "%s/catalog.snap", b.state_dir);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1) && access(path, F_OK) == 0, b.seen);
    host_kill(&b);
    nats_server_kill(&nats, 0);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    whole.n = fread(whole.bytes, 1, sizeof whole.bytes, in);
    fclose(in);
}

static void on_status(void *arg, const struct discover_status *status)
{
    ck_assert_str_eq(status->sync, "stale");
    *(int64_t *)arg = status->stale_ms;
}

START_TEST(answers_without_nats)
{
    int64_t first_ms = 0, later_ms = 0;

    start();
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
    ck_assert_int_eq(discover_status(host_lib(&b), on_status, &first_ms), 0);
    ck_assert_int_gt(first_ms, 0);
    (void)wait_until(1000, discover_status(host_lib(&b), on_status, &later_ms) == 0 && later_ms > first_ms, b.seen);
    /* Unknown is not the same as not there. */
    ck_assert_msg(seen_by_all(&b, "shop/other", CANNOT_KNOW), "%s", b.seen);
}
END_TEST

static void is_set_aside(const char *bytes, size_t n)
{
    char bad[330];
    struct output o;

    snprintf(bad, sizeof bad, "%s.bad", path);
    put_file(bytes, n);
    host_launch(&b);
    host_wait_up(&b);
    /* libdiscover keeps the last table until it has the new daemon's. */
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", CANNOT_KNOW), b.seen);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(access(bad, F_OK), 0);
    (void)wait_until(WAIT_MS, shell(&o, "grep '%s: .*set aside' %s/discoverd-b.log", path, e2e_folder()) == 0,
                     "not in the log");
    ck_assert_int_eq(host_counter(&b, "discoverd_snapshot_files_refused_total"), 1);
    host_kill(&b);
    ck_assert_int_eq(unlink(bad), 0);
    ck_assert_int_eq(shell(&o, ": >%s/discoverd-b.log", e2e_folder()), 0);
}

START_TEST(damage_is_set_aside)
{
    static const char script[] = "#!/bin/sh\nexit 0\n";

    start();
    is_set_aside(whole.bytes, whole.n / 2);
    is_set_aside(whole.bytes, 0);
    whole.bytes[whole.n / 2] ^= 0x10;
    is_set_aside(whole.bytes, whole.n);
    whole.bytes[whole.n / 2] ^= 0x10;
    is_set_aside(script, sizeof script - 1);
    put_file(whole.bytes, whole.n);
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
}
END_TEST

/* Longer than any lease is in its bucket: nobody has one there when NATS returns. */
#define OUTAGE_MS 8000

static void restart_offline(void)
{
    nats_server_kill(&nats, 0);
    host_kill(&b);
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
}

START_TEST(spares_what_it_knew_when_nats_returns)
{
    nats_start(&nats, 1);
    host_start(
        &a, &(struct host_options){
                .name = "a", .nats = nats.urls, .lease_ttl = "2s", .services = "{ name = \"shop/fixed\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "2s"});
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
    snprintf(path, sizeof path, "%s/catalog.snap", b.state_dir);
    (void)wait_until(WAIT_MS, access(path, F_OK) == 0, "no file");
    restart_offline();
    holds_for(OUTAGE_MS, seen_by_dns(&b, "shop/fixed") == 1, b.seen);
    nats_server_launch(&nats, 0);
    holds_for(8000, seen_by_dns(&b, "shop/fixed") == 1, b.seen);
    ck_assert_msg(seen_by_all(&b, "shop/fixed", 1), "%s", b.seen);
}
END_TEST

static bool file_has(const char *text)
{
    struct output o;

    return shell(&o, "grep -q %s %s", text, path) == 0;
}

/* Written when the bus is lost, so that it has what came since it was written last. */
START_TEST(is_written_when_the_bus_is_lost)
{
    static struct host late;

    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    snprintf(path, sizeof path, "%s/catalog.snap", b.state_dir);
    (void)wait_until(WAIT_MS, access(path, F_OK) == 0, "no file");
    host_start(&late, &(struct host_options){
                          .name = "late", .nats = nats.urls, .services = "{ name = \"shop/fixed\"; port = 1; }"});
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
    nats_server_kill(&nats, 0);
    (void)wait_until(WAIT_MS, file_has("fixed"), "not written");
    host_kill(&b);
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);
}
END_TEST

/* What a program had registered by its connection is served on until it registers again, or does not. */
START_TEST(own_registrations_outlive_a_restart_without_nats)
{
    struct discover_registration *r = NULL;

    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .registry = "restart_grace = \"4s\";"});
    ck_assert_int_eq(discover_registration_new("shop/mine", 7, &r), 0);
    ck_assert_int_ge(discover_register(host_lib(&b), r), 0);
    discover_registration_free(r);
    snprintf(path, sizeof path, "%s/catalog.snap", b.state_dir);
    (void)wait_until(WAIT_MS, file_has("mine"), "not written");
    nats_server_kill(&nats, 0);
    host_kill(&b);
    host_launch(&b);
    host_wait_up(&b); /* nobody dispatches the handle meanwhile: it does not register again */
    ck_assert_int_eq(seen_by_dns(&b, "shop/mine"), 1);
    (void)wait_until(8000, seen_by_dns(&b, "shop/mine") != 1, b.seen);
    (void)wait_until(WAIT_MS, discover_connected(host_lib(&b)) && seen_by_dns(&b, "shop/mine") == 1, b.seen);
}
END_TEST

static void count_endpoints(void *arg, const struct discover_change *change)
{
    *(size_t *)arg = change->n;
}

/* Its program ended while its daemon was away, and that one had nobody to ask. */
START_TEST(a_watch_is_told_what_is_gone_once_that_is_known)
{
    struct discover *watcher = NULL, *owner = NULL;
    struct discover_registration *r = NULL;
    struct discover_watch *w = NULL;
    size_t reported = 99;

    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .registry = "restart_grace = \"1s\";"});
    ck_assert(discover_new(&owner) == 0 && discover_set_socket(owner, b.socket) == 0 && discover_start(owner) >= 0);
    ck_assert(discover_new(&watcher) == 0 && discover_set_socket(watcher, b.socket) == 0);
    ck_assert_int_ge(discover_start(watcher), 0);
    ck_assert_int_eq(discover_registration_new("shop/mine", 7, &r), 0);
    ck_assert_int_ge(discover_register(owner, r), 0);
    discover_registration_free(r);
    ck_assert_int_ge(discover_watch(watcher, "shop/mine", count_endpoints, &reported, &w), 0);
    (void)wait_until(WAIT_MS, discover_dispatch(watcher) >= 0 && reported == 1, "not notified of it");
    nats_server_pause(&nats, 0);
    host_kill(&b);
    discover_free(owner);
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, discover_dispatch(watcher) > -1000 && discover_connected(watcher), "not connected");
    nats_server_resume(&nats, 0);
    (void)wait_until(20000, discover_dispatch(watcher) > -1000 && reported == 0, "not notified that it is gone");
    discover_unwatch(w);
    discover_free(watcher);
}
END_TEST

START_TEST(what_died_meanwhile_stays_dead)
{
    static struct host c;

    nats_start(&nats, 1);
    host_start(
        &a, &(struct host_options){
                .name = "a", .nats = nats.urls, .lease_ttl = "2s", .services = "{ name = \"shop/fixed\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "2s"});
    host_start(&c, &(struct host_options){.name = "c", .nats = nats.urls, .lease_ttl = "2s"});
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/fixed", 1) && seen_by_all(&c, "shop/fixed", 1), b.seen);
    snprintf(path, sizeof path, "%s/catalog.snap", b.state_dir);
    (void)wait_until(WAIT_MS, access(path, F_OK) == 0, "no file");
    host_kill(&b);
    host_kill(&a);
    (void)wait_until(WAIT_MS, seen_by_dns(&c, "shop/fixed") == 0, c.seen);
    int64_t start_ns = clock_now_ns();
    host_launch(&b);
    host_wait_live(&b);
    /* A busy machine: whoever connects that late takes it that NATS was away, and spares what the file told of for a while. */
    if (clock_now_ns() - start_ns > 2 * NS_PER_S)
        (void)wait_until(WAIT_MS, seen_by_dns(&b, "shop/fixed") == 0, b.seen);
    holds_for(1000, seen_by_dns(&b, "shop/fixed") == 0, b.seen);
}
END_TEST

E2E_TESTS("stored catalog", 120, {"answers_without_nats", answers_without_nats},
          {"damage_is_set_aside", damage_is_set_aside},
          {"spares_what_it_knew_when_nats_returns", spares_what_it_knew_when_nats_returns},
          {"is_written_when_the_bus_is_lost", is_written_when_the_bus_is_lost},
          {"own_registrations_outlive_a_restart_without_nats", own_registrations_outlive_a_restart_without_nats},
          {"a_watch_is_told_what_is_gone_once_that_is_known", a_watch_is_told_what_is_gone_once_that_is_known},
          {"what_died_meanwhile_stays_dead", what_died_meanwhile_stays_dead})
