/* SPDX-License-Identifier: Apache-2.0 */
/* What a look-up costs, beside copying as many bytes word by word out of the same kind of memory. */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/lib/client.h"

#define INSTANCES 16
#define BATCHES   4000
#define BATCH     256    /* calls timed together: the clock must not be what is measured */
#define SINGLES   400000 /* calls timed one by one, for p99 */
#define TARGET_NS 100.0
#define TARGET    2.5 /* times the copy */

/* What is measured: one look-up, or one copy. */
typedef void step_fn(void *arg);

static void resolve_step(void *arg)
{
    struct discover_endpoint endpoints[INSTANCES];
    size_t n = 0;
    if (discover_resolve(arg, "shop/payment", endpoints, INSTANCES, &n) != DISCOVER_FRESH || n != INSTANCES)
        check(false, "a look-up failed");
}

#define COPY_WORDS (INSTANCES * TABLE_ENDPOINT_WORDS)

/* What no reader can do without: the sequence, the words behind it, and the sequence again. */
static void copy_step(void *arg)
{
    const table_word *from = arg;
    uint64_t to[COPY_WORDS];
    uint64_t seq = table_load(&from[0]), n = COPY_WORDS;
    __asm__ volatile("" : "+r"(n)); /* which no reader knows beforehand */
    table_copy(to, from + 1, n);
    if (table_load(&from[0]) != seq)
        check(false, "nobody writes here");
    __asm__ volatile("" : : "r"(to) : "memory");
}

static void empty_step(void *arg)
{
    __asm__ volatile("" : : "r"(arg) : "memory");
}

/*
 * Elsewhere on the stack for each i: a processor takes addresses 4 KiB apart for the same at first, so that one place in
 * twenty costs a fifth more, and where a process begins is chance.
 */
static double batch_ns(step_fn *step, void *arg, size_t i)
{
    char *beneath = alloca(i * 64 % 4096 + 1);
    __asm__ volatile("" : : "r"(beneath) : "memory");
    int64_t start_ns = clock_now_ns();
    for (size_t k = 0; k < BATCH; k++)
        step(arg);
    return (double)(clock_now_ns() - start_ns) / BATCH;
}

/* Medians over batches. By turns, so that a machine that is slower for a while is slower for both. */
static void medians_ns(struct discover *d, void *words, double *ret_value, double *ret_floor)
{
    static double value[BATCHES], floor[BATCHES];
    for (size_t i = 0; i < BATCHES; i++) {
        value[i] = batch_ns(resolve_step, d, i);
        floor[i] = batch_ns(copy_step, words, i);
    }
    *ret_value = quantile(value, BATCHES, 0.5);
    *ret_floor = quantile(floor, BATCHES, 0.5);
}

static double single_ns(step_fn *step, void *arg, double share)
{
    static double ns[SINGLES];
    for (size_t i = 0; i < SINGLES; i++) {
        int64_t start_ns = clock_now_ns();
        step(arg);
        ns[i] = (double)(clock_now_ns() - start_ns);
    }
    return quantile(ns, SINGLES, share);
}

static const table_word *shared_words(void)
{
    int fd = memfd_create("floor", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, (COPY_WORDS + 1) * 8) == 0, "no shared memory");
    void *words = mmap(NULL, (COPY_WORDS + 1) * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(words != MAP_FAILED, "no shared memory");
    memset(words, 1, (COPY_WORDS + 1) * 8);
    close(fd);
    return words;
}

int main(void)
{
    struct catalog *c = make_catalog(INSTANCES);
    struct discover *d = connect_client(c);
    void *words = (void *)shared_words();
    table_writer_alive(catalog_table(c), clock_now_ns());
    double value, floor;
    medians_ns(d, words, &value, &floor);
    table_writer_alive(catalog_table(c), clock_now_ns());
    double clock = single_ns(empty_step, NULL, 0.5);
    double p99 = single_ns(resolve_step, d, 0.99) - clock;
    bool ok = value <= TARGET_NS && value <= TARGET * floor;
    printf("{\"name\":\"resolve %d instances\",\"value\":%.1f,\"unit\":\"ns\",\"p99\":%.1f,\"floor\":%.1f,"
           "\"ratio\":%.2f,\"target\":%.1f,\"ok\":%s}\n",
           INSTANCES, value, p99, floor, value / floor, TARGET, ok ? "true" : "false");
    discover_free(d);
    catalog_free(c);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
