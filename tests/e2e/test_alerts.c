/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an alarm to what is done about it, with the files of examples/alerts, and Debian's Prometheus and Alertmanager: a fault
 * shows in a metric, the alert comes over NATS, the host is drained; the fault ends, and that is undone. Of two hosts the last
 * one stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define ALERTS_MS 20000

static struct nats nats;
static struct host a, b;
static struct proc metrics, prometheus, alertmanager, bridge, responders[2];
static int prometheus_port, alertmanager_port, bridge_port, metrics_port;
static struct output o;
static char answer[16 * 1024];

static void write_file(const char *name, const char *text)
{
    char path[300], new[310];
    (void)!snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    (void)!snprintf(new, sizeof new, "%s.new", path);
    FILE *file = fopen(new, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rename(new, path), 0);
}

/* What a node_exporter on the host would say of its disk. */
static void set_fault(const char *host, bool faulty)
{
    char name[32], text[160];
    (void)!snprintf(name, sizeof name, "node/%s", host);
    (void)!snprintf(text, sizeof text, "node_filesystem_readonly{fstype=\"ext4\",mountpoint=\"/data\"} %d\n", faulty);
    write_file(name, text);
}

/* As shipped, but that nobody waits for long. */
static void configure(void)
{
    char text[2048];
    (void)!snprintf(text, sizeof text,
                    "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
                    "alerting: {alertmanagers: [{static_configs: [{targets: [\"127.0.0.1:%d\"]}]}]}\nscrape_configs:\n",
                    alertmanager_port);
    for (const char *host = "a"; host; host = *host == 'a' ? "b" : NULL) {
        size_t n = strlen(text);
        (void)!snprintf(
            text + n, sizeof text - n,
            "  - {job_name: node-%s, metrics_path: /%s, static_configs: [{targets: [\"127.0.0.1:%d\"], labels: "
            "{host: %s}}]}\n",
            host, host, metrics_port, host);
    }
    write_file("prometheus.yml", text);
    ck_assert_int_eq(shell(&o,
                           "cd %s && sed 's/for: .*/for: 1s/' " ALERTS "/rules.yml >rules.yml && "
                           "sed 's/127.0.0.1:9095/127.0.0.1:%d/; s/_interval: .*/_interval: 1s/' " ALERTS
                           "/alertmanager.yml >alertmanager.yml",
                           e2e_folder(), bridge_port),
                     0);
}

static void start_monitoring(void)
{
    char at[2][64], files[2][320], stores[2][320], port[16], nodes[300];
    (void)!snprintf(nodes, sizeof nodes, "%s/node", e2e_folder());
    (void)!snprintf(port, sizeof port, "%d", metrics_port);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "alertmanager" : "prometheus";
        (void)!snprintf(at[i], sizeof at[i], "--web.listen-address=127.0.0.1:%d",
                        i ? alertmanager_port : prometheus_port);
        (void)!snprintf(files[i], sizeof files[i], "--config.file=%s/%s.yml", e2e_folder(), name);
        (void)!snprintf(stores[i], sizeof stores[i], "--storage.%s=%s/%s", i ? "path" : "tsdb.path", e2e_folder(),
                        name);
    }
    const char *const serve[] = {"python3",   "-m",          "http.server", port, "--bind",
                                 "127.0.0.1", "--directory", nodes,         NULL};
    const char *const watch[] = {"prometheus", files[0], stores[0], at[0], NULL};
    const char *const alert[] = {"prometheus-alertmanager",   files[1], stores[1], at[1],
                                 "--cluster.listen-address=", NULL};
    proc_start(&metrics, "metrics", serve, NULL);
    proc_start(&alertmanager, "alertmanager", alert, NULL);
    proc_start(&prometheus, "prometheus", watch, NULL);
    (void)wait_until(20000, http_get(alertmanager_port, "/-/ready", answer, sizeof answer) == 200, answer);
    (void)wait_until(20000, http_get(prometheus_port, "/-/ready", answer, sizeof answer) == 200, answer);
}

static void start_loop(void)
{
    char at[64];
    (void)!snprintf(at, sizeof at, "127.0.0.1:%d", bridge_port);
    const char *const argv[] = {"python3", ALERTS "/alerts-to-nats", "--listen", at,
                                "--nats",  nats.server[0].url,       NULL};
    proc_start(&bridge, "bridge", argv, NULL);
    for (int i = 0; i < 2; i++) {
        const struct host *h = i ? &b : &a;
        char discoverctl[512];
        (void)!snprintf(discoverctl, sizeof discoverctl, "--discoverctl=%s -s %s", e2e_binary("discoverctl"),
                        h->socket);
        const char *const responder[] = {
            "python3", ALERTS "/alert-responder", h->name, "--nats", nats.server[0].url, discoverctl, NULL};
        proc_start(&responders[i], i ? "responder-b" : "responder-a", responder, NULL);
    }
}

static void begin(void)
{
    char folder[300];
    struct host_options options = {.services = "{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.3\"]; }"};
    metrics_port = port_take();
    prometheus_port = port_take();
    alertmanager_port = port_take();
    bridge_port = port_take();
    (void)!snprintf(folder, sizeof folder, "%s/node", e2e_folder());
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    set_fault("a", false);
    set_fault("b", false);
    nats_start(&nats, 1);
    options.nats = nats.urls;
    options.name = "a";
    host_start(&a, &options);
    options.name = "b";
    options.services = "{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.4\"]; }";
    host_start(&b, &options);
    (void)wait_until(5000, seen_by_dns(&b, "shop/payment") == 2, b.seen);
    configure();
    start_loop();
    start_monitoring();
}

static bool logged(const char *program, const char *what)
{
    return shell(&o, "grep -q '%s' %s/%s.log", what, e2e_folder(), program) == 0;
}

START_TEST(an_alert_drains_its_host_until_it_ends)
{
    begin();
    set_fault("a", true);
    int64_t took_ns = wait_until(ALERTS_MS, seen_by_dns(&b, "shop/payment") == 1, b.seen);
    measured("a fault on a host: drained", took_ns);
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "alert HostDiskReadOnly: a disk of a can only be read") != NULL, "%s", o.out);

    set_fault("b", true);
    (void)wait_until(ALERTS_MS,
                     logged("responder-b", "HostDiskReadOnly: not drained, or too few were left of shop/payment"),
                     "responder-b");
    ck_assert_int_eq(seen_by_dns(&a, "shop/payment"), 1);

    set_fault("a", false);
    took_ns = wait_until(ALERTS_MS, logged("responder-a", "the last alert has ended"), "responder-a");
    measured("it ends: undone", took_ns);
    (void)wait_until(ALERTS_MS, seen_by_dns(&a, "shop/payment") == 1 && logged("responder-b", "draining:"), a.seen);
    set_fault("b", false);
    (void)wait_until(ALERTS_MS, seen_by_dns(&a, "shop/payment") == 2, a.seen);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {
        {"an_alert_drains_its_host_until_it_ends", an_alert_drains_its_host_until_it_ends}};
    if (system(
            "command -v prometheus >/dev/null && command -v prometheus-alertmanager >/dev/null && command -v python3 "
            ">/dev/null") != 0) {
        printf("-- skipped: there is no Prometheus or no Alertmanager here\n");
        return 77;
    }
    return e2e_main("alerts", tests, 1, 90);
}
