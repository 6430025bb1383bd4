/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Region a reads region b over a leaf node. How long until a knows what was registered in b, beside a bare message over the
 * same leaf node, in turns; until another region answers for a service that has gone; until a cut link is told, and one
 * that was mended; and what goes over the link, with one daemon that reads b and with six.
 */
#include <discover/discover.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/bench/propagation/floor.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define ROUNDS     300
#define FAILOVERS  50
#define CUTS       5
#define READERS    6
#define LIMIT_MS   20000
#define COUNTED_MS 20000

static struct two_regions regions;
static struct host a[READERS], b;

static void reader(struct host *h, const char *name)
{
    host_start(h, &(struct host_options){.name = name,
                                         .nats = regions.a.urls,
                                         .lease_ttl = "10s",
                                         .extra = "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; } );"
                                                  "failover = { back_after = \"0s\"; };"});
    (void)host_lib(h);
}

static void start(void)
{
    two_regions_start(&regions);
    host_start(&b, &(struct host_options){
                       .name = "b1", .nats = regions.b.urls, .lease_ttl = "10s", .extra = "region = \"b\";"});
    reader(&a[0], "a0");
    (void)host_lib(&b);
    prctl(PR_SET_TIMERSLACK, 1UL); /* for short sleeps that are short */
}

/* Usable instances, or a negative result. */
static int look(struct host *h, const char *service, int *ret_verdict)
{
    struct discover_endpoint e[4];
    size_t n = 0;
    *ret_verdict = discover_resolve(h->lib, service, e, 4, &n);
    return *ret_verdict < 0 ? *ret_verdict : (int)n;
}

static void await(struct host *h, const char *service, size_t n, int verdict)
{
    int64_t start_ns = clock_now_ns();
    for (int reported;;) {
        int found = look(h, service, &reported);
        if (n == 0 ? found <= 0 && found != DISCOVER_E_BUSY : found == (int)n && reported == verdict)
            break;
        if (clock_now_ns() - start_ns > LIMIT_MS * NS_PER_MS)
            ck_abort_msg("host %s: %s is not %zu", h->name, service, n);
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_US}, NULL);
    }
    ck_assert_int_ge(discover_dispatch(h->lib), 0);
    ck_assert_int_ge(discover_dispatch(b.lib), 0);
}

static struct discover_registration *registration(const char *service, const char *address)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "i1"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, address), 0);
    return r;
}

START_TEST(registered_in_b_seen_in_a)
{
    static struct samples seen, put, bare;
    start();
    struct discover_registration *r = registration("bench/seen", "10.2.0.1");
    struct floor *floor = floor_open(regions.b.server[0].url, regions.a.server[0].url, 1);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(discover_register(b.lib, r), 0);
        int64_t put_ns = clock_now_ns(); /* the daemon has answered: it is on its way to NATS */
        await(&a[0], "bench/seen@b", 1, DISCOVER_FRESH);
        samples_add(&seen, clock_now_ns() - start_ns);
        samples_add(&put, clock_now_ns() - put_ns);
        ck_assert_int_eq(discover_deregister(b.lib, "bench/seen", "i1"), 0);
        await(&a[0], "bench/seen@b", 0, 0);
        samples_add(&bare, floor_measure(floor, 60));
    }
    floor_close(floor);
    discover_registration_free(r);
    samples_print_ratio("regions/register-called-in-b-seen-in-a", &seen, &bare, 2.0);
    samples_print_ratio("regions/put-in-b-seen-in-a", &put, &bare, 1.2);
}
END_TEST

START_TEST(another_region_answers)
{
    static struct samples out;
    start();
    struct discover_registration *far = registration("bench/away", "10.2.0.1"),
                                 *near = registration("bench/away", "10.1.0.1");
    ck_assert_int_eq(discover_register(b.lib, far), 0);
    await(&a[0], "bench/away@b", 1, DISCOVER_FRESH);
    for (int i = 0; i < FAILOVERS; i++) {
        ck_assert_int_eq(discover_register(a[0].lib, near), 0);
        await(&a[0], "bench/away@a", 1, DISCOVER_FRESH);
        await(&a[0], "bench/away", 1, DISCOVER_FRESH);
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(discover_deregister(a[0].lib, "bench/away", "i1"), 0);
        await(&a[0], "bench/away@a", 0, 0);
        await(&a[0], "bench/away", 1, DISCOVER_FRESH);
        samples_add(&out, clock_now_ns() - start_ns);
    }
    discover_registration_free(far);
    discover_registration_free(near);
    samples_print_limit("regions/last-instance-gone-other-region-answers", &out, 50);
}
END_TEST

START_TEST(cut_and_mended)
{
    static struct samples stale, fresh;
    start();
    struct discover_registration *r = registration("bench/cut", "10.2.0.1");
    ck_assert_int_eq(discover_register(b.lib, r), 0);
    await(&a[0], "bench/cut@b", 1, DISCOVER_FRESH);
    for (int i = 0; i < CUTS; i++) {
        cable_set(&regions.link, CABLE_HOLE);
        int64_t cut_ns = clock_now_ns();
        await(&a[0], "bench/cut@b", 1, DISCOVER_STALE);
        int64_t mended_ns = clock_now_ns();
        samples_add(&stale, mended_ns - cut_ns);
        cable_set(&regions.link, CABLE_WHOLE);
        await(&a[0], "bench/cut@b", 1, DISCOVER_FRESH);
        samples_add(&fresh, clock_now_ns() - mended_ns);
    }
    discover_registration_free(r);
    samples_print_limit("regions/link-cut-told-as-stale", &stale, 6000);
    samples_print_limit("regions/link-mended-told-as-fresh", &fresh, 3000);
}
END_TEST

/* Bytes a second over the link while nothing happens but leases. */
static double idle_bytes(void)
{
    unsigned long long before = atomic_load(&regions.link.bytes);
    holds_for(COUNTED_MS, discover_dispatch(a[0].lib) >= 0 && discover_dispatch(b.lib) >= 0, "no connection");
    return (double)(atomic_load(&regions.link.bytes) - before) * 1000 / COUNTED_MS;
}

START_TEST(what_goes_over_the_link)
{
    char name[8];
    start();
    struct discover_registration *r = registration("bench/link", "10.2.0.1");
    ck_assert_int_eq(discover_register(b.lib, r), 0);
    await(&a[0], "bench/link@b", 1, DISCOVER_FRESH);
    double one = idle_bytes();
    for (int i = 1; i < READERS; i++) {
        snprintf(name, sizeof name, "a%d", i);
        reader(&a[i], name);
        await(&a[i], "bench/link@b", 1, DISCOVER_FRESH);
    }
    double all = idle_bytes();
    discover_registration_free(r);
    printf("{\"name\":\"regions/link-idle-6-readers\",\"value\":%.0f,\"unit\":\"bytes/s\",\"p99\":null,\"floor\":%.0f,"
           "\"ratio\":%.2f,\"target\":null,\"ok\":null}\n",
           all, one, all / one);
    fflush(stdout);
}
END_TEST

E2E_TESTS("regions", 300, {"registered_in_b_seen_in_a", registered_in_b_seen_in_a},
          {"another_region_answers", another_region_answers}, {"cut_and_mended", cut_and_mended},
          {"what_goes_over_the_link", what_goes_over_the_link})
