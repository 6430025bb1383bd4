/* SPDX-License-Identifier: Apache-2.0 */
/* The page with 20,000 instances in a headless Chromium: when it is there, and when it shows what another host registers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "discover/discover.h"
#include "libdiscover/core/clock.h"
#include "tests/bench/fleet/simulated.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/proc.h"
#include "tests/support/wait.h"

enum { HOSTS = 1000, PER_HOST = 20, CHANGES = 50, WAIT_MS = 60000 };

static struct nats nats;
static struct host first, looked_at, other;
static struct fleet fleet;
static struct proc script;

static void load(void)
{
    nats_start(&nats, 1);
    host_start(&first, &(struct host_options){.name = "first", .nats = nats.urls});
    host_leave(&first);
    fleet_open(&fleet, nats.server[0].url, HOSTS, PER_HOST);
    fleet_put_all(&fleet);
    fleet_settle(&fleet);
}

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    return path;
}

static double wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / NS_PER_MS;
}

/* On the other host; for good. */
static void change(struct discover *d, int n, FILE *out)
{
    struct discover_registration *r;
    char name[32];
    snprintf(name, sizeof name, "aaa/page-%02d", CHANGES - n); /* the newest comes first, so it is within sight */
    ck_assert_int_eq(discover_registration_new(name, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.9.9.9"), 0);
    ck_assert_int_ge(fprintf(out, "%s %.3f\n", name, wall_ms()), 0);
    ck_assert_int_eq(discover_register(d, r), 0);
    discover_registration_free(r);
    nanosleep(&(struct timespec){.tv_nsec = 150 * NS_PER_MS}, NULL);
}

static void make_changes(void)
{
    FILE *out = fopen(path_of("changes.new"), "w");
    char from[300];
    ck_assert_ptr_nonnull(out);
    struct discover *d = host_lib(&other);
    for (int i = 0; i < CHANGES; i++)
        change(d, i, out);
    ck_assert_int_eq(fclose(out), 0);
    snprintf(from, sizeof from, "%s", path_of("changes.new"));
    ck_assert_int_eq(rename(from, path_of("changes")), 0);
}

static void print(const char *name, double value, double p99, double target)
{
    printf("{\"name\":\"page/%s\",\"value\":%.1f,\"unit\":\"ms\",", name, value);
    p99 > 0 ? printf("\"p99\":%.1f,", p99) : printf("\"p99\":null,");
    printf("\"floor\":null,\"ratio\":null,\"target\":%.0f,\"ok\":%s}\n", target,
           (p99 > 0 ? p99 : value) < target ? "true" : "false");
}

START_TEST(page)
{
    static struct samples shown;
    char port[16];
    double paint, loaded, ms;
    int rows;
    load();
    host_start(&looked_at, &(struct host_options){.name = "looked-at", .nats = nats.urls});
    host_start(&other, &(struct host_options){.name = "other", .nats = nats.urls});
    snprintf(port, sizeof port, "%d", looked_at.http_port);
    const char *const argv[] = {"python3", SOURCE_DIR "/tests/bench/http/page_times.py", port, e2e_folder(), NULL};
    proc_start(&script, "page_times", argv, NULL);
    (void)wait_until(WAIT_MS, access(path_of("ready"), F_OK) == 0, "the page is not there");
    make_changes();
    (void)wait_until(WAIT_MS, access(path_of("times"), F_OK) == 0, "no times");
    FILE *in = fopen(path_of("times"), "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fscanf(in, "%lf %lf %d", &paint, &loaded, &rows), 3);
    ck_assert_int_ge(rows, HOSTS * PER_HOST);
    while (fscanf(in, "%lf", &ms) == 1)
        samples_add(&shown, (int64_t)(ms * NS_PER_MS));
    (void)fclose(in);
    ck_assert_uint_eq(shown.n, CHANGES);
    print("first-paint", paint, 0, 1000);
    print("20000-instances-shown", loaded, 0, 3000);
    print("change-of-another-host-shown", (double)samples_quantile(&shown, 0.5) / NS_PER_MS,
          (double)samples_quantile(&shown, 0.99) / NS_PER_MS, 100);
    fleet_close(&fleet);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"page", page}};
    if (system("command -v chromium >/dev/null") != 0) {
        fprintf(stderr, "there is no chromium here to measure the page with\n");
        return 0;
    }
    return e2e_main("page", tests, 1, 200);
}
