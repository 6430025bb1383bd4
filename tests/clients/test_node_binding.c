/* SPDX-License-Identifier: Apache-2.0 */
/* A Node program with examples/bindings/node/discover.mjs, and koffi from npm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"

static struct nats nats;
static struct host a;
static struct output o;

START_TEST(node)
{
    char services[512];
    int port = port_take();
    snprintf(services, sizeof services,
             "{ name = \"web/front\"; port = %d; address = [\"127.0.0.1\"]; tags = [\"canary\"]; },"
             "{ name = \"shop/pair\"; instance = \"one\"; port = 1; address = [\"127.0.0.1\"]; },"
             "{ name = \"shop/pair\"; instance = \"two\"; port = 1; address = [\"127.0.0.2\"]; }",
             port);
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .services = services});
    /* node looks for packages beside a script */
    int code = shell(&o,
                     "cd %s && cp %s/examples/bindings/node/discover.mjs %s/tests/clients/node_binding.mjs . && "
                     "ln -s %s/packages/koffi/node_modules node_modules && "
                     "LIBDISCOVER=%s DISCOVERCTL=%s timeout 30 node node_binding.mjs %s "
                     "%s/libdiscover/include/discover %d",
                     e2e_folder(), SOURCE_DIR, SOURCE_DIR, BUILD_DIR, LIBRARY, e2e_binary("discoverctl"), a.socket,
                     SOURCE_DIR, port);
    ck_assert_msg(code == 0 && strcmp(o.out, "ok\n") == 0, "%d: %s%s", code, o.out, o.err);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"node", node}};
    char command[1024];
    snprintf(command, sizeof command, "%s/tests/clients/fetch-koffi %s/packages >&2", SOURCE_DIR, BUILD_DIR);
    if (system(command) != 0) {
        printf("-- skipped: koffi cannot be had\n");
        return 77;
    }
    return e2e_main("node_binding", tests, sizeof tests / sizeof *tests, 60);
}
