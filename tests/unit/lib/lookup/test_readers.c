/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever reads is counted, whichever thread it is and whatever interrupts it, until it has left. */
#include "libdiscover/lookup/readers.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "tests/support/unit.h"

#define THREADS 24
#define TURNS   100000
#define STRIPE  0 /* which all share: it belongs to one of them */

struct crowd {
    struct readers readers;
    pthread_barrier_t entered, seen;
};

static void *enter_and_leave(void *arg)
{
    struct crowd *crowd = arg;
    pthread_barrier_wait(&crowd->entered);
    for (int i = 0; i < TURNS; i++) {
        readers_enter(&crowd->readers, STRIPE);
        if (!readers_any(&crowd->readers))
            return crowd; /* somebody reads: this thread */
        readers_leave(&crowd->readers, STRIPE);
    }
    return NULL;
}

static void *stay(void *arg)
{
    struct crowd *crowd = arg;
    readers_enter(&crowd->readers, STRIPE);
    pthread_barrier_wait(&crowd->entered);
    pthread_barrier_wait(&crowd->seen);
    readers_leave(&crowd->readers, STRIPE);
    return NULL;
}

static void start(pthread_t *threads, void *(*fn)(void *), void *arg)
{
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, arg), 0);
}

static void join(const pthread_t *threads)
{
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}

START_TEST(threads_of_one_stripe_lose_no_count)
{
    struct crowd *crowd = cache_line_alloc(sizeof *crowd);
    pthread_t threads[THREADS];
    pthread_barrier_init(&crowd->entered, NULL, THREADS);
    start(threads, enter_and_leave, crowd);
    join(threads);
    ck_assert(!readers_any(&crowd->readers));
    pthread_barrier_destroy(&crowd->entered);
    free(crowd);
}
END_TEST

static uint32_t count(const struct readers *r)
{
    return atomic_load(&r->stripes[STRIPE].own) + atomic_load(&r->stripes[STRIPE].others);
}

START_TEST(all_count_at_once_also_after_its_thread_has_ended)
{
    struct crowd *crowd = cache_line_alloc(sizeof *crowd);
    for (int round = 0; round < 3; round++) {
        pthread_t threads[THREADS];
        pthread_barrier_init(&crowd->entered, NULL, THREADS + 1);
        pthread_barrier_init(&crowd->seen, NULL, THREADS + 1);
        start(threads, stay, crowd);
        pthread_barrier_wait(&crowd->entered);
        ck_assert_uint_eq(count(&crowd->readers), THREADS);
        pthread_barrier_wait(&crowd->seen);
        join(threads);
        ck_assert(!readers_any(&crowd->readers));
        pthread_barrier_destroy(&crowd->entered);
        pthread_barrier_destroy(&crowd->seen);
    }
    free(crowd);
}
END_TEST

static struct readers interrupted;
static volatile sig_atomic_t interrupts;

static void read_in_handler(int sig)
{
    (void)sig;
    readers_enter(&interrupted, STRIPE);
    readers_leave(&interrupted, STRIPE);
    interrupts++;
}

/* Anew each time, so that the stripe is claimed while the handler may claim it. */
START_TEST(signal_handler_reads_in_between)
{
    struct sigaction action = {.sa_handler = read_in_handler}, before;
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    bool left = false;
    while (interrupts < 1000 && !left) {
        memset(&interrupted, 0, sizeof interrupted);
        readers_enter(&interrupted, STRIPE);
        readers_leave(&interrupted, STRIPE);
        left = readers_any(&interrupted);
    }
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
    ck_assert(!left);
}
END_TEST

UNIT_TESTS("readers", threads_of_one_stripe_lose_no_count, all_count_at_once_also_after_its_thread_has_ended,
           signal_handler_reads_in_between)
