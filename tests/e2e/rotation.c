/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts while what proves who they are is changed. */
#include "tests/e2e/rotation.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

struct nats nats;
struct host a, b;
struct output o;

static int n_load;

void write_secret(const char *name, const char *text)
{
    char path[512], temporary[520];
    snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "w");
    ck_assert(file && fchmod(fileno(file), 0600) == 0 && fprintf(file, "%s\n", text) > 0 && fclose(file) == 0);
    ck_assert_int_eq(rename(temporary, path), 0);
}

bool logged(const struct host *h, const char *text)
{
    return shell(&o, "grep -qF -- '%s' %s/discoverd-%s.log", text, e2e_folder(), h->name) == 0;
}

/* Registers one instance more, and looks whether the other host still has the first. */
bool works(void)
{
    char name[32];
    snprintf(name, sizeof name, "load-%d", n_load++);
    ck_assert_msg(ctl(&a, &o, "register", "shop/load", "--instance", name, "--port", "80", "--ttl", "60s", NULL) == 0,
                  "%s", o.err);
    return seen_by_lib(&b, "shop/pay") == 1;
}

void nothing_was_lost(void)
{
    wait_until(5000, seen_by_lib(&b, "shop/load") == n_load, b.seen);
    ck_assert_int_eq(seen_by_lib(&b, "shop/pay"), 1);
}

void register_pay(void)
{
    n_load = 0;
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/pay", "--port", "80", "--ttl", "60s", NULL), 0);
    wait_until(5000, seen_by_lib(&b, "shop/pay") == 1, b.seen);
}
