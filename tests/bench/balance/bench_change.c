/* SPDX-License-Identifier: Apache-2.0 */
/* What a pick of 1,000 instances costs while they change 850 times a second: it must not wait for what is prepared anew. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define INSTANCES 1000
#define PICKS     4000
#define PICK_NS   (1 * NS_PER_MS) /* a pick each: what a program under load does between two other things */
#define CHANGE_NS (NS_PER_S / 850)
#define TARGET_NS 5000.0

static _Atomic bool stop;

static void sleep_until(int64_t ns)
{
    struct timespec ts = {ns / NS_PER_S, ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) != 0)
        ;
}

static void *change(void *arg)
{
    int64_t next_ns = clock_now_ns();
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        put_instance(arg, i % INSTANCES, INSTANCES + i + 1);
        (void)catalog_flush(arg);
        table_writer_alive(catalog_table(arg), clock_now_ns());
        sleep_until(next_ns += CHANGE_NS);
    }
    return NULL;
}

static void measure(struct discover *d, bool report, double *ns)
{
    struct discover_picker *p;
    check(discover_picker_new(d, "shop/payment", &p) == 0, "no picker");
    struct discover_endpoint e;
    check(discover_pick(p, &e) == DISCOVER_FRESH, "a pick failed");
    int64_t next_ns = clock_now_ns();
    for (size_t i = 0; i < PICKS; i++) {
        sleep_until(next_ns += PICK_NS);
        int64_t start_ns = clock_now_ns();
        check(discover_pick(p, &e) == DISCOVER_FRESH, "a pick failed");
        ns[i] = (double)(clock_now_ns() - start_ns);
        if (report)
            discover_report(p, e.id, 1000, DISCOVER_OK);
    }
    discover_picker_free(p);
}

int main(void)
{
    static double ns[PICKS], quiet[PICKS];
    struct catalog *c = make_catalog(INSTANCES);
    struct discover *d = connect_client(c);
    pthread_t thread;
    bool all_ok = true;
    table_writer_alive(catalog_table(c), clock_now_ns() + 100 * NS_PER_S);
    measure(d, true, quiet);
    double floor = quantile(quiet, PICKS, 0.99);
    check(pthread_create(&thread, NULL, change, c) == 0, "no thread");
    for (int report = 1; report >= 0; report--) {
        measure(d, report, ns);
        double median = quantile(ns, PICKS, 0.5), p99 = quantile(ns, PICKS, 0.99);
        all_ok = all_ok && p99 <= TARGET_NS;
        printf("{\"name\":\"p99 of pick, 1000 instances, 850 changes/s%s\",\"value\":%.0f,\"unit\":\"ns\",\"p99\":%.0f,"
               "\"floor\":%.0f,\"ratio\":%.2f,\"target\":%.0f,\"ok\":%s}\n",
               report ? "" : ", no reports", p99, p99, floor, p99 / floor, TARGET_NS,
               p99 <= TARGET_NS ? "true" : "false");
        fprintf(stderr, "median %.0f ns\n", median);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    discover_free(d);
    catalog_free(c);
    return all_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
