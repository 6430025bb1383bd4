/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads that share a picker, in real time: three servers at 80 %, each a queue that a call sleeps in. Beside it the
 * same threads with a picker each, and calls at random.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define SERVERS     3
#define THREADS     128
#define SERVICE_NS  (4 * NS_PER_MS)
#define CALLS_PER_S (SERVERS * 0.8 / 0.004)
#define RUN_NS      (5 * NS_PER_S)
#define CALLS_MAX   256 /* of a thread */

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t free_ns[SERVERS];

struct thread {
    struct discover_picker *p; /* NULL: at random */
    uint64_t random;
    int64_t end_ns;
    size_t n;
    double ns[CALLS_MAX];
};

static double uniform(struct thread *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return ((double)(t->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 0.5) * 0x1p-53;
}

static void sleep_until(int64_t ns)
{
    struct timespec ts = {ns / NS_PER_S, ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) != 0)
        ;
}

/* When a call that comes now is through. */
static int64_t enter_queue(struct thread *t, size_t server)
{
    int64_t now_ns = clock_now_ns(), own_ns = (int64_t)(-log(uniform(t)) * SERVICE_NS);
    pthread_mutex_lock(&queue_lock);
    int64_t begin_ns = free_ns[server] > now_ns ? free_ns[server] : now_ns;
    free_ns[server] = begin_ns + own_ns;
    pthread_mutex_unlock(&queue_lock);
    return begin_ns + own_ns;
}

static void call(struct thread *t)
{
    struct discover_endpoint e = {0};
    size_t server = (size_t)(uniform(t) * SERVERS);
    int64_t start_ns = clock_now_ns();
    if (t->p) {
        check(discover_pick(t->p, &e) == DISCOVER_FRESH, "a pick failed");
        server = (size_t)e.port - 8000;
    }
    sleep_until(enter_queue(t, server));
    int64_t latency_ns = clock_now_ns() - start_ns;
    if (t->p)
        discover_report(t->p, e.id, (uint32_t)(latency_ns / NS_PER_US), DISCOVER_OK);
    if (t->n < CALLS_MAX)
        t->ns[t->n++] = (double)latency_ns;
}

static void *run(void *arg)
{
    struct thread *t = arg;
    int64_t next_ns = clock_now_ns();
    for (;;) {
        next_ns += (int64_t)(-log(uniform(t)) * THREADS / CALLS_PER_S * 1e9);
        if (next_ns > t->end_ns)
            return NULL;
        sleep_until(next_ns);
        call(t);
    }
}

static double measure(struct discover *d, struct catalog *c, const char *name, int n_pickers, double floor,
                      double target)
{
    static struct thread threads[THREADS];
    static double all[THREADS * CALLS_MAX];
    static pthread_t ids[THREADS];
    struct discover_picker *pickers[THREADS] = {NULL};
    size_t n = 0;
    double sum = 0;
    table_writer_alive(catalog_table(c), clock_now_ns() + 2 * RUN_NS);
    memset(free_ns, 0, sizeof free_ns);
    for (int i = 0; i < n_pickers; i++)
        check(discover_picker_new(d, "shop/payment", &pickers[i]) == 0, "no picker");
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.random = (uint64_t)i + 1, .end_ns = clock_now_ns() + RUN_NS};
        threads[i].p = n_pickers ? pickers[i % n_pickers] : NULL;
        for (int k = 0; k < 10; k++)
            (void)uniform(&threads[i]);
        check(pthread_create(&ids[i], NULL, run, &threads[i]) == 0, "no thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        memcpy(all + n, threads[i].ns, threads[i].n * sizeof *all);
        n += threads[i].n;
    }
    for (int i = 0; i < n_pickers; i++)
        discover_picker_free(pickers[i]);
    for (size_t i = 0; i < n; i++)
        sum += all[i];
    double mean_ms = sum / (double)n / 1e6, p99_ms = quantile(all, n, 0.99) / 1e6;
    bool ok = target == 0 || mean_ms <= target;
    printf("{\"name\":\"3 servers at 80 %%, 128 threads in real time: %s\",\"value\":%.2f,\"unit\":\"ms\",\"p99\":%.1f,"
           "\"floor\":%.2f,\"ratio\":%.2f,\"target\":%.2f,\"ok\":%s}\n",
           name, mean_ms, p99_ms, floor ? floor : mean_ms, floor ? mean_ms / floor : 1.0, target ? target : mean_ms,
           ok ? "true" : "false");
    fflush(stdout);
    return ok ? mean_ms : -mean_ms;
}

int main(void)
{
    struct catalog *c = make_catalog(SERVERS);
    struct discover *d = connect_client(c);
    double random_ms = measure(d, c, "random", 0, 0, 0);
    double own_ms = measure(d, c, "own pickers", THREADS, 0, random_ms);
    double shared_ms = measure(d, c, "one picker", 1, fabs(own_ms), fmin(1.15 * fabs(own_ms), random_ms));
    discover_free(d);
    catalog_free(c);
    return own_ms > 0 && shared_ms > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
