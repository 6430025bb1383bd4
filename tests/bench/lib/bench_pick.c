/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pick costs, with few and many instances, one thread and two; beside it what any choice by calls in flight costs
 * that threads share: two threads on two cores pass the counters' memory to and fro.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define BATCHES   2000
#define BATCH     256 /* calls timed together: the clock must not be what is measured */
#define THREADS   2
#define TARGET_NS 60.0

static pthread_barrier_t all_there; /* the threads run side by side, or they would not disturb each other */

struct picker_run {
    struct discover_picker *p;
    bool report;
    double ns[BATCHES];
};

static void *run(void *arg)
{
    struct picker_run *r = arg;
    uint64_t ids[BATCH];
    (void)pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < BATCHES; i++) {
        int64_t start_ns = clock_now_ns();
        for (size_t k = 0; k < BATCH; k++) {
            struct discover_endpoint e;
            check(discover_pick(r->p, &e) == DISCOVER_FRESH, "a pick failed");
            ids[k] = e.id;
        }
        r->ns[i] = (double)(clock_now_ns() - start_ns) / BATCH;
        for (size_t k = 0; k < BATCH; k++)
            discover_report(r->p, ids[k], (uint32_t)(100 + k), DISCOVER_OK);
    }
    return NULL;
}

/* The floor: of two counters at random, which all threads share, the lower one is raised; later they are lowered again. */
struct counter {
    _Alignas(64) _Atomic uint32_t n;
};

struct floor_run {
    struct counter *counters;
    size_t n;
    uint64_t random;
    double ns[BATCHES];
};

static struct counter *draw(struct floor_run *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    struct counter *a = &r->counters[(r->random >> 32) * r->n >> 32];
    struct counter *b = &r->counters[(r->random & UINT32_MAX) * r->n >> 32];
    return atomic_load_explicit(&b->n, memory_order_relaxed) < atomic_load_explicit(&a->n, memory_order_relaxed) ? b
                                                                                                                 : a;
}

static void *run_floor(void *arg)
{
    struct floor_run *r = arg;
    struct counter *raised[BATCH];
    (void)pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < BATCHES; i++) {
        int64_t start_ns = clock_now_ns();
        for (size_t k = 0; k < BATCH; k++) {
            raised[k] = draw(r);
            atomic_fetch_add_explicit(&raised[k]->n, 1, memory_order_relaxed);
        }
        r->ns[i] = (double)(clock_now_ns() - start_ns) / BATCH;
        for (size_t k = 0; k < BATCH; k++)
            atomic_fetch_sub_explicit(&raised[k]->n, 1, memory_order_relaxed);
    }
    return NULL;
}

/* Runs n threads on the elements of runs, and puts together what they measured: medians over all batches. */
static void run_threads(size_t n, void *(*fn)(void *), void *runs, size_t size, size_t offset, double *all)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_there, NULL, (unsigned)n);
    for (size_t i = 0; i < n; i++)
        check(pthread_create(&threads[i], NULL, fn, (char *)runs + i * size) == 0, "no thread");
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        memcpy(all + i * BATCHES, (char *)runs + i * size + offset, BATCHES * sizeof *all);
    }
    pthread_barrier_destroy(&all_there);
}

static double floor_ns(size_t n_instances, size_t n_threads)
{
    static struct floor_run runs[THREADS];
    static double all[THREADS * BATCHES];
    struct counter *counters = aligned_alloc(64, n_instances * sizeof *counters);
    check(counters != NULL, "no memory");
    memset(counters, 0, n_instances * sizeof *counters);
    for (size_t i = 0; i < n_threads; i++)
        runs[i].counters = counters, runs[i].n = n_instances, runs[i].random = i + 1;
    run_threads(n_threads, run_floor, runs, sizeof *runs, offsetof(struct floor_run, ns), all);
    free(counters);
    return quantile(all, n_threads * BATCHES, 0.5);
}

static bool measure(struct discover *d, size_t n_instances, size_t n_threads)
{
    static struct picker_run runs[THREADS];
    static double all[THREADS * BATCHES];
    struct discover_picker *p;
    check(discover_picker_new(d, "shop/payment", &p) == 0, "no picker");
    for (size_t i = 0; i < n_threads; i++)
        runs[i].p = p;
    run_threads(n_threads, run, runs, sizeof *runs, offsetof(struct picker_run, ns), all);
    discover_picker_free(p);
    double value = quantile(all, n_threads * BATCHES, 0.5), p99 = quantile(all, n_threads * BATCHES, 0.99);
    double floor = floor_ns(n_instances, n_threads);
    printf("{\"name\":\"pick %zu instances, %zu threads\",\"value\":%.1f,\"unit\":\"ns\",\"p99\":%.1f,\"floor\":%.1f,"
           "\"ratio\":%.2f,\"target\":%.0f,\"ok\":%s}\n",
           n_instances, n_threads, value, p99, floor, value / floor, TARGET_NS, value <= TARGET_NS ? "true" : "false");
    return value <= TARGET_NS;
}

int main(void)
{
    bool ok = true;
    const size_t sizes[] = {16, 1000};
    for (size_t i = 0; i < 2; i++) {
        struct catalog *c = make_catalog(sizes[i]);
        struct discover *d = connect_client(c);
        for (size_t threads = 1; threads <= THREADS; threads++) {
            table_writer_alive(catalog_table(c), clock_now_ns());
            ok = measure(d, sizes[i], threads) && ok;
        }
        discover_free(d);
        catalog_free(c);
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
