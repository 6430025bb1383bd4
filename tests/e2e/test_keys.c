/* SPDX-License-Identifier: Apache-2.0 */
/* Nkeys and credentials files are rotated while everything runs, the old ones taken away, and no lease is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/rotation.h"
#include "tests/support/e2e.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static char text[16384];

static const char *contents(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void make_users(void)
{
    ck_assert_msg(shell(&o, "%s %s '\"pub\":{},\"sub\":{}'", MAKE_CREDS, e2e_folder()) == 0, "%s", o.err);
    nats_init(&nats, 1);
}

static void start_two(const char *key)
{
    char bus[1024];
    snprintf(bus, sizeof bus, "%s = \"%s/secret\";", key, e2e_folder());
    nats_server_launch(&nats, 0);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .bus = bus});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .bus = bus});
    register_pay();
}

static void rotate(const char *next)
{
    write_secret("secret", contents(next));
    for (struct host *h = &a; h; h = h == &a ? &b : NULL) {
        ck_assert_msg(ctl(h, &o, "reload", NULL) == 0, "%s%s", o.out, o.err);
        ck_assert_msg(strstr(o.out, "the files of nats"), "%s", o.out);
        wait_until(10000, works() && logged(h, "connected anew"), b.seen);
    }
}

/* A host that still has the old one is not let in any more; the two are, and nothing of theirs was lost. */
static void is_over(const char *key, const char *old)
{
    static struct host late;
    char bus[1024];
    holds_for(LEASE_MS + 1000, works(), b.seen);
    write_secret("old", contents(old));
    snprintf(bus, sizeof bus, "%s = \"%s/old\";", key, e2e_folder());
    host_init(&late, &(struct host_options){.name = "late", .nats = nats.urls, .bus = bus});
    host_launch(&late);
    host_wait_up(&late);
    wait_until(10000, ctl(&late, &o, "status", NULL) >= 0 && strstr(o.out, "uthorization"), o.out);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_disconnects_total"), 0);
    nothing_was_lost();
}

static void know_nkeys(const char *first, const char *second)
{
    static char conf[512];
    char one[128], two[128] = "";
    snprintf(one, sizeof one, "{ nkey: %.*s }", (int)strcspn(contents(first), "\n"), contents(first));
    if (second)
        snprintf(two, sizeof two, ", { nkey: %.*s }", (int)strcspn(contents(second), "\n"), contents(second));
    snprintf(conf, sizeof conf, "authorization { users = [ %s%s ] }", one, two);
    nats.extra = conf;
}

START_TEST(nkey_rotated_under_load)
{
    make_users();
    know_nkeys("user.pub", NULL);
    write_secret("secret", contents("user.nk"));
    start_two("nkey_seed");
    know_nkeys("user.pub", "next.pub");
    nats_server_reload(&nats, 0);
    rotate("next.nk");
    know_nkeys("next.pub", NULL);
    nats_server_reload(&nats, 0);
    is_over("nkey_seed", "user.nk");
}
END_TEST

START_TEST(credentials_rotated_under_load)
{
    static char operator[sizeof text], revoked[sizeof text];
    make_users();
    memcpy(operator, contents("operator.conf"), sizeof operator);
    memcpy(revoked, contents("revoked.conf"), sizeof revoked);
    nats.extra = operator;
    write_secret("secret", contents("user.creds"));
    start_two("credentials");
    rotate("next.creds");
    nats.extra = revoked;
    nats_server_reload(&nats, 0);
    is_over("credentials", "user.creds");
}
END_TEST

E2E_TESTS("keys", 60, {"nkey_rotated_under_load", nkey_rotated_under_load},
          {"credentials_rotated_under_load", credentials_rotated_under_load})
