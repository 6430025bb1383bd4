/* SPDX-License-Identifier: Apache-2.0 */
/* `discoverd --dev`: works without any preparation, and leaves nothing behind. It uses the default ports. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/proc.h"
#include "tests/support/wait.h"

/* What follows a word in its output: what an operator would copy from there. */
static bool reported(const char *word, char *ret_text, size_t cap)
{
    static struct output o;

    ck_assert_int_eq(shell(&o, "cat %s/dev.log", e2e_folder()), 0);
    const char *at = strstr(o.out, word);
    if (!at || !strchr(at, '\n'))
        return false;
    snprintf(ret_text, cap, "%.*s", (int)strcspn(at + strlen(word), " \n"), at + strlen(word));
    return true;
}

START_TEST(works_and_leaves_nothing)
{
    static struct host h;
    static struct output o;
    struct proc dev;
    char url[64];

    proc_start(&dev, "dev", (const char *const[]){e2e_binary("discoverd"), "--dev", NULL}, NULL);
    (void)wait_until(5000, reported("DISCOVERD_SOCKET=", h.socket, sizeof h.socket) || !proc_running(&dev),
                     "no socket");
    (void)wait_until(10000, ctl(&h, &o, "resolve", "shop/none", NULL) == 3, o.err);
    ck_assert_int_eq(ctl(&h, &o, "register", "demo/web", "--port", "8080", "--ttl", "1m", NULL), 0);
    ck_assert_int_eq(ctl(&h, &o, "resolve", "demo/web", NULL), 0);
    ck_assert(reported("nats    ", url, sizeof url) && kv_server_ready(url));

    ck_assert_int_eq(proc_stop(&dev, 10000), 0);
    *strrchr(h.socket, '/') = 0;
    ck_assert_msg(access(h.socket, F_OK) != 0, "%s is left behind", h.socket);
    ck_assert_msg(!kv_server_ready(url), "its nats-server still runs");
}
END_TEST

E2E_TESTS("dev", 60, {"works_and_leaves_nothing", works_and_leaves_nothing})
