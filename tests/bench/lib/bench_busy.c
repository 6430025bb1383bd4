/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look-up costs while its service is changed 10,000 times a second, beside the same look-up while nothing
 * changes. The clock's own cost, measured in the same run, is taken off: calls are timed one by one.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define INSTANCES 16
#define CALLS     2000000
#define PERIOD_NS 100000 /* 10,000 changes a second */
#define TARGET_NS 1000.0 /* p99 */

struct writer {
    struct catalog *c;
    atomic_bool stop;
    uint64_t changes;
    int64_t ns; /* how long it wrote */
};

static void *write_all(void *arg)
{
    struct writer *w = arg;
    int64_t start_ns = clock_now_ns(), due_ns = start_ns;
    prctl(PR_SET_TIMERSLACK, 1UL);
    while (!atomic_load(&w->stop)) {
        w->changes++;
        put_instance(w->c, w->changes % INSTANCES, INSTANCES + w->changes);
        (void)catalog_flush(w->c);
        table_writer_alive(catalog_table(w->c), clock_now_ns());
        due_ns += PERIOD_NS;
        struct timespec due = {due_ns / NS_PER_S, due_ns % NS_PER_S};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    w->ns = clock_now_ns() - start_ns;
    return NULL;
}

static double clock_ns(void)
{
    static double ns[100000];
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        int64_t start_ns = clock_now_ns();
        ns[i] = (double)(clock_now_ns() - start_ns);
    }
    return quantile(ns, sizeof ns / sizeof *ns, 0.5);
}

static void look_up(struct discover *d, double *ret_p50, double *ret_p99)
{
    static double ns[CALLS];
    struct discover_endpoint endpoints[INSTANCES];
    size_t n = 0;
    for (size_t i = 0; i < CALLS; i++) {
        int64_t start_ns = clock_now_ns();
        int result = discover_resolve(d, "shop/payment", endpoints, INSTANCES, &n);
        ns[i] = (double)(clock_now_ns() - start_ns);
        if (result != DISCOVER_FRESH || n != INSTANCES)
            check(false, "a look-up failed");
    }
    double clock = clock_ns();
    *ret_p50 = quantile(ns, CALLS, 0.5) - clock;
    *ret_p99 = quantile(ns, CALLS, 0.99) - clock;
}

int main(void)
{
    struct writer w = {.c = make_catalog(INSTANCES)};
    struct discover *d = connect_client(w.c);
    pthread_t thread;
    double quiet_p50, quiet_p99, p50, p99;
    look_up(d, &quiet_p50, &quiet_p99);
    check(pthread_create(&thread, NULL, write_all, &w) == 0, "no thread");
    look_up(d, &p50, &p99);
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    fprintf(stderr, "%.0f changes a second\n", (double)w.changes * NS_PER_S / (double)w.ns);
    printf(
        "{\"name\":\"resolve 16 instances, p99 while they change 10000 times a second\",\"value\":%.1f,\"unit\":\"ns\","
        "\"p99\":%.1f,\"floor\":%.1f,\"ratio\":%.2f,\"target\":%.0f,\"ok\":%s}\n",
        p99, p99, quiet_p99, p99 / quiet_p99, TARGET_NS, p99 < TARGET_NS ? "true" : "false");
    discover_free(d);
    catalog_free(w.c);
    return p99 < TARGET_NS ? EXIT_SUCCESS : EXIT_FAILURE;
}
