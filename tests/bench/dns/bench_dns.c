/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the responder answers for each second of its CPU, beside a UDP echo with answers of the same size, and beside
 * Knot and NSD. The servers have the first core, the load the others; every round goes through all servers in turn.
 * A figure is the median of the rounds, a ratio the median of the ratios within each round: a machine whose speed
 * drifts favours nobody.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/dns/load.h"
#include "tests/bench/dns/server.h"

#define ROUNDS       9
#define SECONDS      0.6
#define WINDOW       256
#define TCP_WINDOW   64
#define LATENCY_RATE 2000.0
#define LATENCY_S    2.4 /* a round: 48 of its times are beyond the p99 */
#define TIMES_MAX    20000

static char folder[] = "/tmp/discover-bench-dns-XXXXXX";

struct scenario {
    const char *name;
    uint32_t services, instances;
    uint16_t edns;
};

/* A server under load, and what each round gave. */
struct contender {
    struct server_options options;
    struct server server;
    struct load_options load;
    uint32_t reply_bytes;
    double rounds[ROUNDS];
};

static void check(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "bench_dns: %s: %s\n", what, strerror(-err));
    exit(EXIT_FAILURE);
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(const double *rounds)
{
    double sorted[ROUNDS];
    memcpy(sorted, rounds, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, by_value);
    return sorted[ROUNDS / 2];
}

static double median_ratio(const double *rounds, const double *floor)
{
    double ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ratios[i] = rounds[i] / floor[i];
    return median(ratios);
}

/* Of latencies: in the round in which the rest of the machine was quietest. */
static double least(const double *rounds)
{
    double value = rounds[0];
    for (int i = 1; i < ROUNDS; i++)
        value = rounds[i] < value ? rounds[i] : value;
    return value;
}

static void start(struct contender *c)
{
    check(server_start(&c->options, &c->server), server_name(c->options.kind));
    c->load.port = c->server.port;
    check(load_wait(&c->load, &c->reply_bytes), server_name(c->options.kind));
}

static struct contender contender(const struct scenario *s, enum server_kind kind, uint32_t window)
{
    return (struct contender){
        .options = {.kind = kind, .services = s->services, .instances = s->instances, .workers = 1, .folder = folder},
        .load = {.services = s->services, .edns = s->edns, .window = window, .seconds = SECONDS},
    };
}

/* Starts our responder, the echo with answers of its size, and which others there are. Returns how many. */
static size_t start_all(const struct scenario *s, uint32_t window, struct contender c[SERVER_KINDS])
{
    size_t n = 0;
    for (enum server_kind kind = SERVER_OURS; kind < SERVER_KINDS; kind++) {
        if (!server_available(kind)) {
            fprintf(stderr, "%s is not installed\n", server_name(kind));
            continue;
        }
        c[n] = contender(s, kind, window);
        c[n].options.reply_bytes = c[0].reply_bytes;
        start(&c[n++]);
    }
    return n;
}

static void stop_all(struct contender *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        server_stop(&c[i].server);
}

typedef int load_fn(const struct load_options *o, struct load_result *ret_r);

/* Thousands of answers for each second of the server's CPU. */
static double measure(struct contender *c, load_fn *load)
{
    struct load_result r;
    int64_t before = server_cpu_ns(&c->server);
    check(load(&c->load, &r), "load");
    int64_t used = server_cpu_ns(&c->server) - before;
    if (r.answers == 0 || (c->options.kind != SERVER_FLOOR && r.failed > 0))
        fprintf(stderr, "%s: %" PRIu64 " answers, %" PRIu64 " failed\n", server_name(c->options.kind), r.answers,
                r.failed);
    fprintf(stderr, "  %-10s %8.0f answers/s, CPU %3.0f %%, %" PRIu64 " lost, %.0f octets\n",
            server_name(c->options.kind), (double)r.answers / r.seconds, (double)used / 1e7 / r.seconds, r.lost,
            (double)r.bytes / (double)(r.answers ? r.answers : 1));
    return (double)r.answers / ((double)used / 1e6);
}

static void run_rounds(struct contender *c, size_t n, load_fn *load)
{
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++)
            c[i].rounds[round] = measure(&c[i], load);
}

/* target > 0: at least that share of the floor; < 0: at most; 0: told, not judged. */
static void print_line(const char *name, const char *who, double value, const char *unit, double floor, double ratio,
                       double target)
{
    printf("{\"name\":\"dns %s%s%s\",\"value\":%.4g,\"unit\":\"%s\",\"p99\":null,\"floor\":%.4g,\"ratio\":%.3f,", name,
           *who ? " " : "", who, value, unit, floor, ratio);
    if (target == 0)
        printf("\"target\":null,\"ok\":null}\n");
    else
        printf("\"target\":\"%s%g\",\"ok\":%s}\n", target > 0 ? ">=" : "<=", fabs(target),
               (target > 0 ? ratio >= target : ratio <= -target) ? "true" : "false");
    fflush(stdout);
}

static void print_rounds(const char *name, const char *who, const double *rounds, const char *unit, const double *floor,
                         double target)
{
    print_line(name, who, median(rounds), unit, median(floor), median_ratio(rounds, floor), target);
}

/* The others' figures are told beside ours. */
static void print_all(const char *name, const struct contender *c, size_t n, const char *unit, double target)
{
    for (size_t i = 0; i < n; i++)
        if (i != SERVER_FLOOR)
            print_rounds(name, i == 0 ? "" : server_name(c[i].options.kind), c[i].rounds, unit, c[SERVER_FLOOR].rounds,
                         i == 0 ? target : 0);
}

static void bench_throughput(const struct scenario *s, double target)
{
    struct contender c[SERVER_KINDS];
    size_t n = start_all(s, WINDOW, c);
    fprintf(stderr, "%s\n", s->name);
    run_rounds(c, n, load_udp);
    print_all(s->name, c, n, "k/cpu-s", target);
    stop_all(c, n);
}

/* CPU for one query at a time: nothing can be shared by a batch. */
static void bench_single(const struct scenario *s, double target)
{
    struct contender c[SERVER_KINDS];
    size_t n = start_all(s, 1, c);
    fprintf(stderr, "%s, one outstanding\n", s->name);
    run_rounds(c, n, load_udp);
    for (size_t i = 0; i < n; i++)
        for (int round = 0; round < ROUNDS; round++)
            c[i].rounds[round] = 1e3 / c[i].rounds[round];
    print_all("one outstanding", c, n, "us cpu", -target);
    stop_all(c, n);
}

/* Ours against ours, under two conditions. */
static void bench_against(const char *name, struct contender *c, struct contender *base, double target)
{
    struct contender pair[2] = {*c, *base};
    fprintf(stderr, "%s\n", name);
    for (int i = 0; i < 2; i++)
        start(&pair[i]);
    run_rounds(pair, 2, load_udp);
    print_rounds(name, "", pair[0].rounds, "k/cpu-s", pair[1].rounds, target);
    stop_all(pair, 2);
}

static int by_time(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* The p50 and p99 of each round, in microseconds. */
static void latency(struct contender *c, size_t n, double (*ret_p50)[ROUNDS], double (*ret_p99)[ROUNDS])
{
    static int64_t ns[SERVER_KINDS][TIMES_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        struct load_times times[SERVER_KINDS];
        for (size_t i = 0; i < n; i++)
            times[i] = (struct load_times){.load = &c[i].load, .ns = ns[i], .max = TIMES_MAX};
        check(load_latency(times, n, LATENCY_RATE), "load");
        for (size_t i = 0; i < n; i++) {
            qsort(ns[i], times[i].n, sizeof *ns[i], by_time);
            ret_p50[i][round] = (double)ns[i][times[i].n / 2] / 1e3;
            ret_p99[i][round] = (double)ns[i][times[i].n * 99 / 100] / 1e3;
        }
    }
}

static void print_least(const char *name, const char *who, const double *rounds, const double *floor, double target)
{
    print_line(name, who, least(rounds), "us", least(floor), median_ratio(rounds, floor), target);
}

static void bench_latency(const struct scenario *s)
{
    struct contender c[SERVER_KINDS];
    double p50[SERVER_KINDS][ROUNDS] = {0}, p99[SERVER_KINDS][ROUNDS] = {0};
    size_t n = start_all(s, 1, c);
    for (size_t i = 0; i < n; i++)
        c[i].load.seconds = LATENCY_S;
    fprintf(stderr, "%s, latency\n", s->name);
    latency(c, n, p50, p99);
    for (size_t i = 0; i < n; i++) {
        const char *who = i == 0 ? "" : server_name(c[i].options.kind);
        if (i == SERVER_FLOOR)
            continue;
        print_least("latency p50", who, p50[i], p50[SERVER_FLOOR], i == 0 ? -1.1 : 0);
        print_least("latency p99", who, p99[i], p99[SERVER_FLOOR], i == 0 ? -1.1 : 0);
    }
    stop_all(c, n);
}

/* The floor here is Knot. */
static void bench_tcp(const struct scenario *s)
{
    struct contender c[2] = {contender(s, SERVER_OURS, TCP_WINDOW), contender(s, SERVER_KNOT, TCP_WINDOW)};
    if (!server_available(SERVER_KNOT))
        return;
    fprintf(stderr, "%s, TCP\n", s->name);
    for (int i = 0; i < 2; i++)
        start(&c[i]);
    run_rounds(c, 2, load_tcp);
    print_rounds("tcp pipelined, floor is knot", "", c[0].rounds, "k/cpu-s", c[1].rounds, 1);
    stop_all(c, 2);
}

static const struct scenario srv3 = {"srv 3 instances, 100 services", 100, 3, 0};
static const struct scenario srv10 = {"srv 10 instances, 1000 services, edns", 1000, 10, 4096};
static const struct scenario srv20 = {"srv 20 instances, 100 services, edns", 100, 20, 4096};
static const struct scenario fleet = {"srv 20 instances, 10000 services, edns", 10000, 20, 4096};

static void bench_changes(void)
{
    struct contender base = contender(&srv10, SERVER_OURS, WINDOW), c = base;
    c.options.changes = 1000;
    bench_against("1000 changes/s, floor is none", &c, &base, 0.8);
}

static void bench_fleet(void)
{
    struct contender base = contender(&srv20, SERVER_OURS, WINDOW), c = contender(&fleet, SERVER_OURS, WINDOW);
    bench_against("200000 instances, floor is 2000", &c, &base, 0.8);
}

/* Two workers, asked from many ports; the load shares a core with one of them where there are only two. */
static void bench_workers(void)
{
    struct contender base = contender(&srv10, SERVER_OURS, WINDOW), c = base;
    c.options.workers = 2;
    c.load.sockets = base.load.sockets = 16;
    bench_against("two workers, floor is one", &c, &base, 0);
}

int main(void)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        return EXIT_FAILURE;
    }
    pin_to(-1);
    bench_throughput(&srv3, 0.9);
    bench_throughput(&srv10, 0.9);
    bench_single(&srv3, 1.1);
    bench_latency(&srv3);
    bench_changes();
    bench_fleet();
    bench_workers();
    bench_tcp(&srv3);
    char remove[64];
    snprintf(remove, sizeof remove, "rm -rf %s", folder);
    return system(remove) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
