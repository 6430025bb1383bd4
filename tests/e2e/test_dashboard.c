/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard that is shipped, asked of a real Prometheus that scrapes real daemons. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/proc.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static struct proc prometheus, queries;

static void write_config(const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(
        fprintf(file,
                "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: discoverd\n    static_configs:\n"
                "      - targets: [\"127.0.0.1:%d\", \"127.0.0.1:%d\"]\n",
                a.http_port, b.http_port),
        0);
    ck_assert_int_eq(fclose(file), 0);
}

static int start_prometheus(void)
{
    char config[300], at[64], config_flag[320], storage_flag[320];
    int port = port_take();
    snprintf(config, sizeof config, "%s/prometheus.yml", e2e_folder());
    write_config(config);
    snprintf(config_flag, sizeof config_flag, "--config.file=%s", config);
    snprintf(storage_flag, sizeof storage_flag, "--storage.tsdb.path=%s/tsdb", e2e_folder());
    snprintf(at, sizeof at, "--web.listen-address=127.0.0.1:%d", port);
    const char *const argv[] = {"prometheus", config_flag, storage_flag, at, NULL};
    proc_start(&prometheus, "prometheus", argv, NULL);
    return port;
}

/* Changes of this host, and queries: of some batches of them one is timed. */
static void do_something(void)
{
    static struct output o;
    static bool drained;
    ck_assert_int_eq(ctl(&a, &o, drained ? "undrain" : "drain", "shop/payment", NULL), 0);
    drained = !drained;
    for (int i = 0; i < 100; i++)
        (void)seen_by_dns(&a, "shop/payment");
}

START_TEST(the_dashboard_shows_something)
{
    char port[16], answered[300];
    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.nats = nats.urls,
                                      .services = "{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.3\"]; "
                                                  "checks = ( { tcp = \"127.0.0.1:9\"; interval = \"1s\"; } ); }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    snprintf(port, sizeof port, "%d", start_prometheus());
    const char *const argv[] = {"python3",    SOURCE_DIR "/tests/e2e/dashboard_queries.py",
                                port,         SOURCE_DIR "/examples/monitoring/dashboard.json",
                                e2e_folder(), NULL};
    (void)wait_until(10000, http_get(atoi(port), "/-/ready", a.seen, sizeof a.seen) == 200, "no Prometheus");
    proc_start(&queries, "dashboard_queries", argv, NULL);
    snprintf(answered, sizeof answered, "%s/answered", e2e_folder());
    (void)wait_until(40000, (do_something(), access(answered, F_OK) == 0), "a query without an answer");
    ck_assert_int_eq(proc_wait(&queries, 40000), 0);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"the_dashboard_shows_something", the_dashboard_shows_something}};
    if (system("command -v prometheus >/dev/null && command -v python3 >/dev/null") != 0) {
        printf("-- skipped: there is no Prometheus here\n");
        return 77;
    }
    return e2e_main("dashboard", tests, 1, 60);
}
