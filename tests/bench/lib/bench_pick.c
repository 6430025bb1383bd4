/* SPDX-License-Identifier: Apache-2.0 */
/* What a pick costs, with few and many instances, one thread and two. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define BATCHES   2000
#define BATCH     256 /* calls timed together: the clock must not be what is measured */
#define THREADS   2
#define TARGET_NS 60.0

struct picker_run {
    struct discover_picker *p;
    bool report;
    double ns[BATCHES];
};

static void *run(void *arg)
{
    struct picker_run *r = arg;
    uint64_t ids[BATCH];
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

static bool measure(struct discover *d, size_t n_instances, size_t n_threads)
{
    static struct picker_run runs[THREADS];
    static double all[THREADS * BATCHES];
    pthread_t threads[THREADS];
    struct discover_picker *p;
    check(discover_picker_new(d, "shop/payment", &p) == 0, "no picker");
    for (size_t i = 0; i < n_threads; i++) {
        runs[i].p = p;
        check(pthread_create(&threads[i], NULL, run, &runs[i]) == 0, "no thread");
    }
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
        for (size_t k = 0; k < BATCHES; k++)
            all[i * BATCHES + k] = runs[i].ns[k];
    }
    discover_picker_free(p);
    double value = quantile(all, n_threads * BATCHES, 0.5), p99 = quantile(all, n_threads * BATCHES, 0.99);
    printf("{\"name\":\"pick %zu instances, %zu threads\",\"value\":%.1f,\"unit\":\"ns\",\"p99\":%.1f,\"floor\":null,"
           "\"ratio\":null,\"target\":%.0f,\"ok\":%s}\n",
           n_instances, n_threads, value, p99, TARGET_NS, value <= TARGET_NS ? "true" : "false");
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
