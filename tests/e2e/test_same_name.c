/* SPDX-License-Identifier: Apache-2.0 */
/* Two live hosts of one name: the second one says so, with the addresses of both, and publishes nothing until
 * the first is gone. */
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE_MS 2000

static struct nats nats;
static struct host first, viewer;
static struct proc second;
static struct kv kv;

/* Another host called "web", in a folder of its own. */
static void start_second(void)
{
    static char config[320], dir[256];
    struct output o;

    snprintf(dir, sizeof dir, "%s/second", e2e_folder());
    snprintf(config, sizeof config, "%s/discoverd.conf", dir);
    ck_assert_int_eq(shell(&o,
                           "mkdir -p -m 0700 %s/state && sed -e 's#%s#%s#g' -e 's/127.0.0.1:%d/127.0.0.1:0/' "
                           "-e 's/^http.*/http = { listen = \"\"; };/' -e 's/^dns = .*/dns = { listen = []; };/' "
                           "-e 's/10.1.0.1/10.1.0.2/; s/shop\\/one/shop\\/two/' %s >%s",
                           dir, first.folder, dir, first.dns_port, first.config, config),
                     0);
    proc_start(&second, "discoverd-second", (const char *const[]){e2e_binary("discoverd"), "-c", config, NULL}, NULL);
}

static bool log_says(const char *text)
{
    struct output o;

    return shell(&o, "grep -q '%s' %s/discoverd-second.log", text, e2e_folder()) == 0;
}

static bool bucket_has(const char *key)
{
    char bytes[2048];

    return kv_get(&kv, "SERVICES", key, bytes, sizeof bytes) > 0;
}

START_TEST(the_second_stands_down)
{
    nats_start(&nats, 1);
    host_start(&first, &(struct host_options){.name = "web",
                                              .nats = nats.urls,
                                              .lease_ttl = "2s",
                                              .services = "{ name = \"shop/one\"; instance = \"i\"; port = 1; }",
                                              .extra = "address = [\"10.1.0.1\"];"});
    host_start(&viewer, &(struct host_options){.name = "viewer", .nats = nats.urls, .lease_ttl = "2s"});
    kv_open(&kv, nats.server[0].url);
    start_second();
    (void)wait_until(3 * LEASE_MS,
                     log_says("two live hosts are called web: this one (10.1.0.2) and another (10.1.0.1, node"),
                     "nothing in the log");
    holds_for(2 * LEASE_MS, !bucket_has("shop.two.web.i") && seen_by_lib(&viewer, "shop/one") == 1, viewer.seen);
    ck_assert(bucket_has("shop.one.web.i"));
    /* The first one leaves: its name is free. */
    host_leave(&first);
    (void)wait_until(3 * LEASE_MS, bucket_has("shop.two.web.i") && seen_by_lib(&viewer, "shop/two") == 1, viewer.seen);
    ck_assert_int_eq(proc_stop(&second, 5000), 0);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("same name", 60, {"the_second_stands_down", the_second_stands_down})
