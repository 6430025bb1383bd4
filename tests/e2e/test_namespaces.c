/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in time and PID namespaces of their own: their clocks and numbers are others than the daemon's. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a;

static void one_host(void)
{
    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.nats = nats.urls,
                                      .services = "{ name = \"" SERVICE "\"; port = 80; address = [\"127.0.0.1\"]; }"});
}

static bool can_unshare(const char *what)
{
    struct output o;
    if (shell(&o, "unshare %s true", what) == 0)
        return true;
    printf("-- unshare %s: %s\n", what, o.err);
    return false;
}

/* Ahead by a day, and behind by a minute: what is fresh is fresh, and what is stale is as old as it is. */
static void look_up_with(const char *offset)
{
    struct output o;
    ck_assert_int_eq(shell(&o, "unshare --time --boottime %s --monotonic %s %s -s %s resolve " SERVICE, offset, offset,
                           e2e_binary("discoverctl"), a.socket),
                     0);
    ck_assert_msg(strstr(o.out, "127.0.0.1:80") && !strstr(o.err, "stale"), "%s: %s%s", offset, o.out, o.err);
}

START_TEST(other_clocks)
{
    one_host();
    if (!can_unshare("--time --boottime 86400"))
        return;
    look_up_with("86400");
    look_up_with("-60");
}
END_TEST

/* Its number there is 1; what it registered lasts as long as it does. */
static void holds_in(const char *net)
{
    struct proc holder;
    proc_start(&holder, "holder",
               (const char *const[]){"unshare", "--pid", "--fork", "--kill-child", net, e2e_binary("discoverctl"), "-s",
                                     a.socket, "register", "shop/inside", "--port", "1", "--address", "127.0.0.1",
                                     NULL},
               NULL);
    (void)wait_until(5000, seen_by_lib(&a, "shop/inside") == 1, a.seen);
    proc_signal(&holder, SIGKILL);
    (void)wait_until(5000, seen_by_lib(&a, "shop/inside") == 0, a.seen);
}

/* The process that it names has a low number there, which is another one's out here: it is that in there which counts. */
static void names_in(const char *net)
{
    struct proc holder;
    char script[1536], gone[512];
    snprintf(gone, sizeof gone, "%s/may-go", e2e_folder());
    snprintf(
        script, sizeof script,
        "until [ -e %s ]; do sleep 0.05; done & %s -s %s register shop/named --port 1 --address 127.0.0.1 --pid $!; "
        "exec sleep 60",
        gone, e2e_binary("discoverctl"), a.socket);
    (void)unlink(gone);
    proc_start(&holder, "holder",
               (const char *const[]){"unshare", "--pid", "--fork", "--kill-child", net, "sh", "-c", script, NULL},
               NULL);
    (void)wait_until(5000, seen_by_lib(&a, "shop/named") == 1, a.seen);
    ck_assert_int_eq(shell(&(struct output){0}, "touch %s", gone), 0); /* it ends, and nobody else does */
    (void)wait_until(5000, seen_by_lib(&a, "shop/named") == 0, a.seen);
    proc_signal(&holder, SIGKILL);
}

START_TEST(other_numbers)
{
    one_host();
    if (!can_unshare("--pid --fork --net"))
        return;
    holds_in("--fork"); /* the host's network */
    holds_in("--net");
    names_in("--fork");
    names_in("--net");
}
END_TEST

E2E_TESTS("namespaces", 60, {"other_clocks", other_clocks}, {"other_numbers", other_numbers})
