/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' dns_sd_configs and http_sd_configs, with examples/prometheus/prometheus.yml: targets are found,
 * scraped, let go, and kept while the registry cannot be asked. */
#include <stdio.h>
#include <string.h>

#include "tests/clients/machine.h"
#include "tests/clients/stage.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/http.h"
#include "tests/support/wait.h"

#define PROMETHEUS_PORT 9090
/* Here it asks and scrapes each second, but takes changes of targets up only every 5 s. */
#define FOLLOW_MS 20000

static struct stage s;
static struct proc prometheus;
static char answer[16 * 1024];

static void begin(void)
{
    static const struct change changes[] = {
        {"scrape_interval: 15s", "scrape_interval: 1s"}, {"refresh_interval: 5s", "refresh_interval: 1s"}, {0}};
    static const struct change alone[] = {{"nameserver 192.0.2.53", "# "}, {0}};
    char config[512], resolv_conf[512], storage[512];

    machine_start();
    stage_example("examples/glibc/resolv.conf", alone, resolv_conf, sizeof resolv_conf);
    machine_file("/etc/resolv.conf", resolv_conf);
    stage_start(&s, NULL, &(struct host_options){.dns_port = 53, .http_port = 8054});
    stage_example("examples/prometheus/prometheus.yml", changes, config, sizeof config);
    snprintf(storage, sizeof storage, "--storage.tsdb.path=%s/prometheus", e2e_folder());
    proc_start(&prometheus, "prometheus",
               (const char *const[]){"prometheus", "--config.file", config, storage,
                                     "--web.listen-address=127.0.0.1:9090", NULL},
               NULL);
    (void)wait_until(20000, http_get(PROMETHEUS_PORT, "/-/ready", answer, sizeof answer) == 200, "not ready");
}

/* How many targets of a job have been scraped with success, or -1. */
static int up(const char *job)
{
    char path[256];
    double when;
    int n = 0;

    stage_pause();
    snprintf(path, sizeof path, "/api/v1/query?query=count(up%%7bjob=%%22%s%%22%%7d==1)", job);
    if (http_get(PROMETHEUS_PORT, path, answer, sizeof answer) != 200)
        return -1;
    const char *value = strstr(answer, "\"value\":");
    if (value && sscanf(value, "\"value\":[%lf,\"%d\"]", &when, &n) != 2)
        return -1;
    return n;
}

static bool both(int n)
{
    return up("payment") == n && up("shop/payment") == n;
}

START_TEST(configuration_as_shipped)
{
    (void)stage_output("promtool check config " SOURCE_DIR "/examples/prometheus/prometheus.yml");
}
END_TEST

/* The instances are the daemons' own HTTP servers, which have metrics. */
START_TEST(follows)
{
    struct proc first, second;

    begin();
    (void)wait_until(FOLLOW_MS, up("discoverd") == 1 && both(0), answer);
    stage_register(&s.a, &first, "p1", s.a.http_port, 1);
    (void)wait_until(FOLLOW_MS, both(1), answer);
    stage_register(&s.b, &second, "p2", s.b.http_port, 1);
    (void)wait_until(FOLLOW_MS, both(2), answer);
    proc_kill(&first);
    (void)wait_until(FOLLOW_MS, both(1), answer);
}
END_TEST

/* NATS away: stale answers. A daemon that cannot know: SERVFAIL, and 503. */
START_TEST(keeps_what_it_has)
{
    struct proc first;

    begin();
    stage_register(&s.a, &first, "p1", s.a.http_port, 1);
    (void)wait_until(FOLLOW_MS, both(1), answer);
    nats_server_kill(&s.nats, 0);
    holds_for(3000, both(1), answer);
    stage_forget(&s);
    ck_assert_int_eq(http_get(s.b.http_port, "/v1/http_sd", answer, sizeof answer), 503);
    holds_for(5000, both(1), answer);
    stage_remember(&s);
    holds_for(3000, both(1), answer);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"configuration_as_shipped", configuration_as_shipped},
                                     {"follows", follows},
                                     {"keeps_what_it_has", keeps_what_it_has}};

    return machine_possible() ? e2e_main("Prometheus", tests, sizeof tests / sizeof *tests, 90) : 77;
}
