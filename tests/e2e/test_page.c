/* SPDX-License-Identifier: Apache-2.0 */
/* The page as a browser shows it: http_page.py says what is to be seen, of two hosts, of which it looks at one. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static struct proc script;

START_TEST(what_a_browser_shows)
{
    char port[16], ctl[512];
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; tags = [\"canary\"]; "
                                                      "meta = { version = \"1.4\"; }; }, "
                                                      "{ name = \"shop/search\"; instance = \"s1\"; port = 1; "
                                                      "address = [\"10.1.2.3\"]; checks = ( { tcp = "
                                                      "\"127.0.0.1:1\"; interval = \"500ms\"; fall = 1; } ); }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(20000, seen_by_dns(&b, "shop/payment") == 1, b.seen);
    snprintf(port, sizeof port, "%d", a.http_port);
    snprintf(ctl, sizeof ctl, "%s", e2e_binary("discoverctl"));
    const char *const argv[] = {
        "python3", SOURCE_DIR "/tests/e2e/http_page.py", port, ctl, b.socket, getenv("SCREENSHOTS"), NULL};
    proc_start(&script, "http_page", argv, NULL);
    ck_assert_int_eq(proc_wait(&script, 150000), 0);
}
END_TEST

START_TEST(what_it_shows_of_another_region)
{
    static struct two_regions regions;
    static struct host of_b;
    char port[16];
    two_regions_start(&regions);
    two_regions_host_b(&regions, &of_b, "b1");
    two_regions_host_a(&regions, &a, "a1");
    ck_assert_int_eq(
        ctl(&of_b, &(struct output){0}, "register", "shop/payment", "--port", "1001", "--ttl", "120s", NULL), 0);
    snprintf(port, sizeof port, "%d", a.http_port);
    const char *const argv[] = {
        "python3", SOURCE_DIR "/tests/e2e/http_page.py", port, "", "regions", getenv("SCREENSHOTS"), NULL};
    proc_start(&script, "http_page", argv, NULL);
    ck_assert_int_eq(proc_wait(&script, 150000), 0);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"what_a_browser_shows", what_a_browser_shows},
                                     {"what_it_shows_of_another_region", what_it_shows_of_another_region}};
    if (system("command -v chromium >/dev/null && command -v python3 >/dev/null") != 0) {
        printf("-- skipped: there is no chromium here\n");
        return 77;
    }
    return e2e_main("page", tests, 2, 200);
}
