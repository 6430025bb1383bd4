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
    (void)wait_until(5000, seen_by_all(&b, "shop/fixed", 1) && access(path, F_OK) == 0, b.seen);
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
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", 1), b.seen);
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
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", CANNOT_KNOW), b.seen);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(access(bad, F_OK), 0);
    ck_assert_msg(shell(&o, "grep '%s: .*set aside' %s/discoverd-b.log", path, e2e_folder()) == 0, "not in the log");
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
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", 1), b.seen);
}
END_TEST

E2E_TESTS("stored catalog", 60, {"answers_without_nats", answers_without_nats},
          {"damage_is_set_aside", damage_is_set_aside})
