/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads that share a picker, in real time: three servers at 80 %, each a queue that a call sleeps in. Beside it the
 * same threads with a picker each, and calls at random. Queues as full as these differ much from one second to the next:
 * there are several rounds, in each of which calls come at the same times for all three.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "libdiscover/balance/random.h"
#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define SERVERS     3
#define THREADS     128
#define SERVICE_NS  NS_PER_MS
#define CALLS_PER_S (SERVERS * 0.8 * NS_PER_S / SERVICE_NS)
#define ROUNDS      6
#define WARM_NS     NS_PER_S       /* not counted */
#define RUN_NS      (4 * NS_PER_S) /* of each round */
#define CALLS_MAX   256            /* of a thread, in a round */

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t free_ns[SERVERS];

struct thread {
    struct discover_picker *p; /* NULL: at random */
    uint64_t random;
    int64_t begin_ns, end_ns;
    size_t n;
    double ns[CALLS_MAX];
};

enum policy { AT_RANDOM, OWN, SHARED, POLICIES };

/* What is measured of each. */
struct results {
    double ns[ROUNDS * THREADS * CALLS_MAX];
    size_t n;
    double means_ms[ROUNDS];
};
static struct results results[POLICIES];

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
    if (t->n < CALLS_MAX && start_ns >= t->begin_ns)
        t->ns[t->n++] = (double)latency_ns;
}

static void *run(void *arg)
{
    struct thread *t = arg;
    int64_t next_ns = clock_now_ns();
    (void)prctl(PR_SET_TIMERSLACK, 1); /* to sleep as long as it says, and no longer */
    for (;;) {
        next_ns += (int64_t)(-log(uniform(t)) * THREADS / CALLS_PER_S * 1e9);
        if (next_ns > t->end_ns)
            return NULL;
        sleep_until(next_ns);
        call(t);
    }
}

static void start_threads(struct thread *threads, pthread_t *ids, struct discover_picker **pickers, int n_pickers,
                          int round)
{
    int64_t begin_ns = clock_now_ns() + WARM_NS;
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.begin_ns = begin_ns, .end_ns = begin_ns + RUN_NS};
        threads[i].random = random_mix((uint64_t)(round * THREADS + i + 1));
        threads[i].p = n_pickers ? pickers[i % n_pickers] : NULL;
        check(pthread_create(&ids[i], NULL, run, &threads[i]) == 0, "no thread");
    }
}

static void end_threads(struct thread *threads, const pthread_t *ids, struct results *r, int round)
{
    double sum = 0;
    size_t before = r->n;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        memcpy(r->ns + r->n, threads[i].ns, threads[i].n * sizeof *r->ns);
        r->n += threads[i].n;
    }
    for (size_t i = before; i < r->n; i++)
        sum += r->ns[i];
    r->means_ms[round] = sum / (double)(r->n - before) / 1e6;
}

static void measure(struct discover *d, struct catalog *c, enum policy policy, int round)
{
    static struct thread threads[THREADS];
    static pthread_t ids[THREADS];
    struct discover_picker *pickers[THREADS] = {NULL};
    int n_pickers = policy == AT_RANDOM ? 0 : policy == OWN ? THREADS : 1;
    table_writer_alive(catalog_table(c), clock_now_ns() + WARM_NS + 2 * RUN_NS);
    memset(free_ns, 0, sizeof free_ns);
    for (int i = 0; i < n_pickers; i++)
        check(discover_picker_new(d, "shop/payment", &pickers[i]) == 0, "no picker");
    start_threads(threads, ids, pickers, n_pickers, round);
    end_threads(threads, ids, &results[policy], round);
    for (int i = 0; i < n_pickers; i++)
        discover_picker_free(pickers[i]);
}

static double mean(const double *values)
{
    double sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += values[i];
    return sum / ROUNDS;
}

static bool print(enum policy policy, const char *name, double floor, double target)
{
    struct results *r = &results[policy];
    double mean_ms = mean(r->means_ms);
    bool ok = mean_ms <= target;
    printf("{\"name\":\"3 servers at 80 %%, 128 threads in real time: %s\",\"value\":%.2f,\"unit\":\"ms\",\"p99\":%.1f,"
           "\"floor\":%.2f,\"ratio\":%.2f,\"target\":%.2f,\"ok\":%s}\n",
           name, mean_ms, quantile(r->ns, r->n, 0.99) / 1e6, floor, mean_ms / floor, target, ok ? "true" : "false");
    return ok;
}

int main(void)
{
    struct catalog *c = make_catalog(SERVERS);
    struct discover *d = connect_client(c);
    for (int round = 0; round < ROUNDS; round++)
        for (int policy = 0; policy < POLICIES; policy++)
            measure(d, c, (enum policy)policy, round);
    double random_ms = mean(results[AT_RANDOM].means_ms), own_ms = mean(results[OWN].means_ms);
    bool ok = print(AT_RANDOM, "random", random_ms, random_ms);
    ok = print(OWN, "own pickers", random_ms, random_ms) && ok;
    ok = print(SHARED, "one picker", own_ms, fmin(1.15 * own_ms, random_ms)) && ok;
    discover_free(d);
    catalog_free(c);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
