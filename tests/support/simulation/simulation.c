/* SPDX-License-Identifier: Apache-2.0 */
/* The real library's pickers in simulated time. */
#include "tests/support/simulation/simulation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/lookup/readers.h"
#include "tests/bench/lib/client.h"

#define FAIL_MS       0.1
#define PEAK_DECAY_MS 10000.0
#define LATENCIES_MAX (1 << 22)
#define TRIED_MAX     4

/* Clock (linked with --wrap) and threads (READER_SELF) of the library. */
static double now_ms = 1e6;
static size_t thread;
static bool played;

double simulation_now_ms(void)
{
    return now_ms;
}

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (!played)
        return __real_clock_gettime(clock, ret_time);
    int64_t ns = (int64_t)(now_ms * 1e6);
    *ret_time = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
    return 0;
}

/* What the library takes for the thread that it runs in: as far apart as real ones. */
uintptr_t simulation_thread(void)
{
    return (thread + 1) * 0x801000;
}

static uint64_t random_state, seeds;

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags)
{
    (void)flags;
    check(n == sizeof seeds, "not a seed");
    seeds = (seeds + 1) * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(bytes, &seeds, n);
    return (ssize_t)n;
}

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return ((double)(random_state * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 0.5) * 0x1p-53;
}

static double exponential(double mean)
{
    return -mean * log(uniform());
}

/* A call that is under way. */
struct call {
    double end_ms, tried_ms, begin_ms; /* begin: of the first try */
    size_t client, server;
    uint64_t tried[TRIED_MAX];
    size_t n_tried;
    bool failed;
};

/* What a reference policy knows. */
struct view {
    int in_flight;
    double peak_ms, heard_ms;
};

struct world {
    struct simulation s; /* first: it is the caller's part */
    size_t n, clients;
    enum policy policy;
    struct catalog *catalog;
    struct discover *d;
    struct discover_picker *pickers[CLIENTS_MAX];
    uint32_t weights[SERVERS_MAX];
    bool gone[SERVERS_MAX];
    struct view views[CLIENTS_MAX][SERVERS_MAX];
    struct call *heap; /* by end */
    size_t n_heap, cap_heap;
    double *latencies;
    size_t n_latencies;
    uint64_t counter;
};

static void push(struct world *w, const struct call *call)
{
    if (w->n_heap == w->cap_heap) {
        w->cap_heap = 2 * w->cap_heap + 64;
        w->heap = realloc(w->heap, w->cap_heap * sizeof *w->heap);
        check(w->heap != NULL, "no memory");
    }
    size_t i = w->n_heap++;
    for (; i > 0 && w->heap[(i - 1) / 2].end_ms > call->end_ms; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = *call;
}

static struct call pop(struct world *w)
{
    struct call first = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t k = 1; k < w->n_heap; k = 2 * i + 1) {
        if (k + 1 < w->n_heap && w->heap[k + 1].end_ms < w->heap[k].end_ms)
            k++;
        if (w->heap[k].end_ms >= last.end_ms)
            break;
        w->heap[i] = w->heap[k];
        i = k;
    }
    w->heap[i] = last;
    return first;
}

static void set_hosts(struct catalog *c)
{
    struct lease near = {.ttl_ms = 1000, .region = "eu", .zone = "eu-1"};
    struct lease far = {.ttl_ms = 1000, .region = "eu", .zone = "eu-2"};
    check(catalog_set_host(c, "near", &near, true, 1) == 0 && catalog_set_host(c, "far", &far, true, 1) == 0,
          "no host");
}

static struct catalog *new_catalog(void)
{
    const struct catalog_options options = {.host = "client",
                                            .region = "eu",
                                            .zone = "eu-1",
                                            .table_words = 1 << 18,
                                            .hosts_max = 10,
                                            .services_max = 10,
                                            .instances_per_host_max = 2000};
    struct catalog *c;
    check(catalog_new(&options, NULL, NULL, &c) == 0, "no catalog");
    set_hosts(c);
    table_writer_set_sync(catalog_table(c), TABLE_LIVE, 0);
    table_writer_alive(catalog_table(c), INT64_MAX / 4); /* the daemon never dies */
    return c;
}

void simulation_put(struct simulation *s, size_t server, uint32_t weight, uint16_t priority, enum discover_state state,
                    bool far)
{
    struct world *w = (struct world *)s;
    struct instance_key key = {"shop", "payment", "", ""};
    struct record r;
    strcpy(key.host, far ? "far" : "near");
    snprintf(key.instance, sizeof key.instance, "p%zu", server);
    record_init(&r);
    r.epoch = 1;
    r.counter = ++w->counter;
    r.port = (uint16_t)(1000 + server);
    r.weight = weight;
    r.priority = priority;
    r.state = (uint8_t)state;
    check(record_add_address(&r, "10.0.0.1") == 0 && catalog_put(w->catalog, &key, &r) == 0, "no instance");
    strcpy(key.host, far ? "near" : "far");
    catalog_remove(w->catalog, &key); /* it may have been there */
    (void)catalog_flush(w->catalog);
    w->weights[server] = weight;
    w->gone[server] = state != DISCOVER_PASSING && state != DISCOVER_WARNING;
}

size_t simulation_server(const struct discover_endpoint *endpoint)
{
    return (size_t)endpoint->port - 1000;
}

/* Whether the library takes the clients for threads. It is asked anew each time: a thread does not change otherwise. */
static bool threads_are_played(void)
{
    uint32_t (*volatile ask)(void) = readers_stripe;
    uint32_t first = ask();
    for (thread = 1; thread < CLIENTS_MAX && ask() == first;)
        thread++;
    bool others = thread < CLIENTS_MAX;
    thread = 0;
    return others;
}

struct simulation *simulation_new(size_t n, enum policy policy, size_t clients)
{
    struct world *w = calloc(1, sizeof *w);
    check(w != NULL && n <= SERVERS_MAX && clients <= CLIENTS_MAX, "no memory");
    random_state = 88172645463325252u;
    seeds = getenv("SIM_SEED") ? strtoul(getenv("SIM_SEED"), NULL, 0) : 1;
    thread = 0;
    played = true;
    check(threads_are_played(), "all clients are one thread");
    w->n = n;
    w->clients = clients;
    w->policy = policy;
    w->latencies = malloc(LATENCIES_MAX * sizeof *w->latencies);
    w->catalog = new_catalog();
    for (size_t i = 0; i < n; i++) {
        w->s.servers[i] = (struct server){.service_ms = 1.78};
        simulation_put(&w->s, i, 1, 0, DISCOVER_PASSING, false);
    }
    w->d = connect_client(w->catalog);
    for (size_t i = 0; i < (policy == POLICY_OWN ? clients : 1); i++)
        check(discover_picker_new(w->d, "shop/payment", &w->pickers[i]) == 0, "no picker");
    return &w->s;
}

void simulation_free(struct simulation *s)
{
    struct world *w = (struct world *)s;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        discover_picker_free(w->pickers[i]);
    discover_free(w->d);
    catalog_free(w->catalog);
    free(w->heap);
    free(w->latencies);
    free(w);
    played = false;
}

static struct discover_picker *picker_of(struct world *w, size_t client)
{
    return w->pickers[w->policy == POLICY_OWN ? client : 0];
}

struct discover_picker *simulation_picker(struct simulation *s)
{
    return picker_of((struct world *)s, 0);
}

static size_t draw(const struct world *w)
{
    double sum = 0, at;
    for (size_t i = 0; i < w->n; i++)
        sum += w->gone[i] ? 0 : w->weights[i];
    at = uniform() * sum;
    for (size_t i = 0; i < w->n; i++)
        if (!w->gone[i] && (at -= w->weights[i]) < 0)
            return i;
    return w->n - 1;
}

static double cost(const struct world *w, size_t client, size_t i)
{
    const struct view *v = &w->views[client][i];
    double peak_ms = v->heard_ms ? v->peak_ms * exp((v->heard_ms - now_ms) / PEAK_DECAY_MS) : 1.0;
    return (w->policy == POLICY_PEAK_EWMA ? peak_ms + 0.001 : 1.0) * (v->in_flight + 1);
}

static size_t pick_by_reference(struct world *w, size_t client)
{
    size_t a = draw(w), b = draw(w);
    return w->policy != POLICY_RANDOM && cost(w, client, b) < cost(w, client, a) ? b : a;
}

/* -1: nobody. */
static int pick(struct world *w, struct call *call)
{
    struct discover_endpoint e;
    int result;
    if (w->policy > POLICY_OWN) {
        call->server = pick_by_reference(w, call->client);
        w->views[call->client][call->server].in_flight++;
        return 0;
    }
    struct discover_picker *p = picker_of(w, call->client);
    uint32_t key = (uint32_t)(uniform() * 1e6);
    thread = call->client;
    if (call->n_tried)
        result = discover_pick_retry(p, call->tried, call->n_tried, &e);
    else if (w->s.by_key)
        result = discover_pick_key(p, &key, sizeof key, &e);
    else
        result = discover_pick(p, &e);
    if (result < 0)
        return -1;
    call->server = simulation_server(&e);
    if (call->n_tried < TRIED_MAX)
        call->tried[call->n_tried++] = e.id;
    return 0;
}

static double serve(struct server *it)
{
    double own_ms = it->fixed ? it->service_ms : exponential(it->service_ms);
    if (it->stall_ms > 0)
        own_ms = it->stall_ms;
    it->stall_ms = 0;
    double begin_ms = it->endless || it->free_ms < now_ms ? now_ms : it->free_ms;
    if (!it->endless)
        it->free_ms = begin_ms + own_ms;
    return begin_ms + own_ms;
}

static void try(struct world *w, struct call *call)
{
    if (pick(w, call) < 0) {
        w->s.results.lost++;
        return;
    }
    struct server *it = &w->s.servers[call->server];
    it->calls++;
    call->failed = it->dead;
    call->tried_ms = now_ms;
    call->end_ms = it->dead ? now_ms + FAIL_MS : serve(it);
    push(w, call);
}

static void report(struct world *w, const struct call *call)
{
    double latency_ms = now_ms - call->tried_ms;
    struct view *v = &w->views[call->client][call->server];
    if (w->policy > POLICY_OWN) {
        double kept = exp((v->heard_ms - now_ms) / PEAK_DECAY_MS);
        v->in_flight--;
        v->peak_ms = !v->heard_ms || latency_ms > v->peak_ms ? latency_ms : v->peak_ms * kept + latency_ms * (1 - kept);
        v->heard_ms = now_ms;
        return;
    }
    thread = call->client;
    discover_report(picker_of(w, call->client), call->tried[call->n_tried - 1], (uint32_t)(latency_ms * 1000),
                    call->failed ? DISCOVER_UNREACHABLE : DISCOVER_OK);
}

static void end_call(struct world *w, struct call *call)
{
    call->failed = call->failed || w->s.servers[call->server].dead;
    report(w, call);
    if (!call->failed) {
        if (w->n_latencies < LATENCIES_MAX)
            w->latencies[w->n_latencies++] = now_ms - call->begin_ms;
        return;
    }
    w->s.servers[call->server].failures++;
    if (w->policy <= POLICY_OWN && call->n_tried <= (size_t)w->s.retries && call->n_tried < TRIED_MAX)
        try(w, call);
    else
        w->s.results.lost++;
}

static void begin_call(struct world *w)
{
    struct call call = {.begin_ms = now_ms, .client = (size_t)(uniform() * (double)w->clients)};
    w->s.results.calls++;
    try(w, &call);
}

static void count_anew(struct world *w)
{
    w->s.results = (struct results){0};
    w->n_latencies = 0;
    for (size_t i = 0; i < w->n; i++)
        w->s.servers[i].calls = w->s.servers[i].failures = 0;
}

static void sum_up(struct world *w)
{
    double sum = 0;
    for (size_t i = 0; i < w->n_latencies; i++)
        sum += w->latencies[i];
    if (w->n_latencies == 0)
        return;
    w->s.results.mean_ms = sum / (double)w->n_latencies;
    w->s.results.p99_ms = quantile(w->latencies, w->n_latencies, 0.99);
}

void simulation_run(struct simulation *s, double seconds, double calls_per_s)
{
    struct world *w = (struct world *)s;
    double end_ms = now_ms + seconds * 1000, next_ms = now_ms + exponential(1000 / calls_per_s);
    count_anew(w);
    for (;;) {
        bool ends = w->n_heap > 0 && w->heap[0].end_ms < next_ms;
        double at_ms = ends ? w->heap[0].end_ms : next_ms;
        if (at_ms > end_ms)
            break;
        now_ms = at_ms;
        if (ends) {
            struct call call = pop(w);
            end_call(w, &call);
        } else {
            begin_call(w);
            next_ms = now_ms + exponential(1000 / calls_per_s);
        }
    }
    now_ms = end_ms;
    sum_up(w);
}
