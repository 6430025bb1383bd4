/* SPDX-License-Identifier: Apache-2.0 */
/* What a look-up costs, beside copying as many bytes word by word out of the same kind of memory. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/catalog/catalog.h"
#include "discover/discover.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/frame.h"
#include "proto/api.pb-c.h"

#define INSTANCES 16
#define BATCHES   4000
#define BATCH     256    /* calls timed together: the clock must not be what is measured */
#define SINGLES   400000 /* calls timed one by one, for p99 */
#define TARGET_NS 150.0

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_lib: %s\n", what);
    exit(EXIT_FAILURE);
}

static struct catalog *make_catalog(void)
{
    const struct catalog_options options = {.host = "bench", .region = "eu", .zone = "", .table_words = 1 << 14,
                                            .hosts_max = 10, .services_max = 10, .instances_per_host_max = 100};
    struct catalog *c;
    check(catalog_new(&options, NULL, NULL, &c) == 0, "no catalog");
    for (uint16_t i = 0; i < INSTANCES; i++) {
        struct instance_key key = {"shop", "payment", "bench", ""};
        snprintf(key.instance, sizeof key.instance, "p%u", i);
        struct record r;
        record_init(&r);
        r.epoch = 1;
        r.counter = i + 1;
        r.port = (uint16_t)(8000 + i);
        check(record_add_address(&r, "10.0.0.1") == 0 && catalog_put(c, &key, &r) == 0, "no instance");
    }
    (void)catalog_flush(c);
    table_writer_set_sync(catalog_table(c), TABLE_LIVE, 0);
    return c;
}

/* What the daemon does for a client that connects: a welcome, with the table. */
static void welcome(int sock, struct catalog *c)
{
    Discover__V1__Welcome body = DISCOVER__V1__WELCOME__INIT;
    body.version = API_VERSION;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = 1;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME;
    msg.welcome = &body;
    uint8_t bytes[256];
    size_t n = discover__v1__server_message__pack(&msg, bytes + FRAME_HEADER);
    frame_header(bytes, n);
    int sent = frame_send_fd(sock, bytes, FRAME_HEADER + n, table_writer_fd(catalog_table(c)));
    check(sent == (int)(FRAME_HEADER + n), "cannot send");
}

/* A time-out of 0: the client does not wait, so that one thread can be both sides. */
static struct discover *connect_client(struct catalog *c)
{
    char folder[] = "/tmp/discover-bench-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    check(mkdtemp(folder) != NULL, "no folder");
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0, "no socket");
    struct discover *d;
    check(discover_new(&d) == 0 && discover_set_socket(d, address.sun_path) == 0 &&
              discover_set_timeout(d, 0) == 0 && discover_start(d) == 0, "no client");
    welcome(accept(listener, NULL, NULL), c);
    check(discover_dispatch(d) == 0 && discover_connected(d), "not connected");
    unlink(address.sun_path);
    rmdir(folder);
    close(listener);
    return d;
}

/* What is measured: one look-up, or one copy. */
typedef void step_fn(void *arg);

static void resolve_step(void *arg)
{
    struct discover_endpoint endpoints[INSTANCES];
    size_t n = 0;
    int result = discover_resolve(arg, "shop/payment", endpoints, INSTANCES, &n);
    check(result == DISCOVER_FRESH && n == INSTANCES, "a look-up failed");
}

#define COPY_WORDS (INSTANCES * TABLE_ENDPOINT_WORDS)

/* The same loads as the reader's: acquire, word by word, which no compiler turns into something else. */
static void copy_step(void *arg)
{
    const table_word *from = arg;
    uint64_t to[COPY_WORDS];
    for (size_t i = 0; i < COPY_WORDS; i++)
        to[i] = table_load(&from[i]);
    __asm__ volatile("" : : "r"(to) : "memory");
}

static void empty_step(void *arg)
{
    __asm__ volatile("" : : "r"(arg) : "memory");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *ns, size_t n, double share)
{
    qsort(ns, n, sizeof *ns, by_value);
    return ns[(size_t)(share * (double)(n - 1))];
}

static double batch_ns(step_fn *step, void *arg)
{
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
        value[i] = batch_ns(resolve_step, d);
        floor[i] = batch_ns(copy_step, words);
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
    check(fd >= 0 && ftruncate(fd, COPY_WORDS * 8) == 0, "no shared memory");
    void *words = mmap(NULL, COPY_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(words != MAP_FAILED, "no shared memory");
    memset(words, 1, COPY_WORDS * 8);
    close(fd);
    return words;
}

int main(void)
{
    struct catalog *c = make_catalog();
    struct discover *d = connect_client(c);
    void *words = (void *)shared_words();
    table_writer_alive(catalog_table(c), clock_now_ns());
    double value, floor;
    medians_ns(d, words, &value, &floor);
    table_writer_alive(catalog_table(c), clock_now_ns());
    double clock = single_ns(empty_step, NULL, 0.5);
    double p99 = single_ns(resolve_step, d, 0.99) - clock;
    bool ok = value <= TARGET_NS;
    printf("{\"name\":\"resolve %d instances\",\"value\":%.1f,\"unit\":\"ns\",\"p99\":%.1f,\"floor\":%.1f,"
           "\"ratio\":%.2f,\"target\":%.0f,\"ok\":%s}\n",
           INSTANCES, value, p99, floor, value / floor, TARGET_NS, ok ? "true" : "false");
    discover_free(d);
    catalog_free(c);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
