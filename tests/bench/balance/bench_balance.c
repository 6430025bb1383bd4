/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pickers make of a load, in simulated time: latency beside reference policies under the same load in the same run,
 * shares beside weights, and calls lost beside what is dead. The floor of a latency is what each client gets with a
 * picker of its own.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/simulation/simulation.h"

#define SERVICE_MS 1.78

static bool all_ok = true;

/* target: what the value must not exceed; 0: none. */
static void print(const char *name, double value, const char *unit, double p99, double floor, double target)
{
    bool ok = target == 0 || value <= target;
    all_ok = all_ok && ok;
    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"p99\":", name, value, unit);
    printf(p99 > 0 ? "%.1f" : "null", p99);
    if (floor > 0)
        printf(",\"floor\":%.3f,\"ratio\":%.2f", floor, value / floor);
    else
        printf(",\"floor\":null,\"ratio\":null");
    if (target > 0)
        printf(",\"target\":%.3f,\"ok\":%s}\n", target, ok ? "true" : "false");
    else
        printf(",\"target\":null,\"ok\":null}\n");
    fflush(stdout);
}

static struct results run_load(size_t n, size_t clients, enum policy policy)
{
    struct simulation *s = simulation_new(n, policy, clients);
    double calls_per_s = (double)n * 0.8 / SERVICE_MS * 1000;
    simulation_run(s, 5, calls_per_s);
    simulation_run(s, 20, calls_per_s);
    struct results results = s->results;
    simulation_free(s);
    return results;
}

static void measure_load(size_t n, size_t clients)
{
    static const char *const names[] = {"one picker", "own pickers", "random", "own P2C", "own peak EWMA"};
    double random_ms = run_load(n, clients, POLICY_RANDOM).mean_ms;
    struct results own = run_load(n, clients, POLICY_OWN);
    for (enum policy p = POLICY_LIBRARY; p <= POLICY_PEAK_EWMA; p++) {
        char name[96];
        struct results r = run_load(n, clients, p);
        double target = p == POLICY_LIBRARY ? fmin(1.15 * own.mean_ms, random_ms) : p == POLICY_OWN ? random_ms : 0;
        snprintf(name, sizeof name, "%zu servers at 80 %%, %zu clients: %s", n, clients, names[p]);
        print(name, r.mean_ms, "ms", r.p99_ms, own.mean_ms, target);
    }
}

static double share(const struct simulation *s, size_t server)
{
    return (double)s->servers[server].calls / (double)s->results.calls;
}

/* How far the share of any is from its weight. */
static void measure_weights(const char *name, const uint32_t *weights, size_t n)
{
    struct simulation *s = simulation_new(n, POLICY_LIBRARY, 4);
    double sum = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        s->servers[i].endless = true;
        simulation_put(s, i, weights[i], 0, DISCOVER_PASSING, false);
        sum += weights[i];
    }
    simulation_run(s, 400, 1000);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs(share(s, i) * sum / weights[i] - 1));
    print(name, 100 * worst, "% off", 0, 0, 10);
    simulation_free(s);
}

static void measure_dead(const char *name, size_t n, size_t n_dead)
{
    struct simulation *s = simulation_new(n, POLICY_LIBRARY, 4);
    s->retries = 2;
    simulation_run(s, 5, 200);
    for (size_t i = 0; i < n_dead; i++)
        s->servers[i].dead = true;
    simulation_run(s, 60, 200);
    print(name, 100.0 * (double)s->results.lost / (double)s->results.calls, "% lost", 0, 0, 1);
    simulation_free(s);
}

static void measure_backups(void)
{
    struct simulation *s = simulation_new(16, POLICY_LIBRARY, 1);
    for (size_t i = 0; i < 16; i++) {
        s->servers[i].service_ms = 0.1;
        simulation_put(s, i, 1, i < 8 ? 0 : 1, DISCOVER_PASSING, false);
    }
    simulation_run(s, 5, 500);
    for (size_t i = 0; i < 8; i++)
        s->servers[i].dead = true;
    simulation_run(s, 0.9, 500);
    print("8 of priority 0 die, before 8 backups take over", (double)s->results.lost, "calls", 0, 0, 5);
    simulation_free(s);
}

static void measure_spill(void)
{
    struct simulation *s = simulation_new(16, POLICY_LIBRARY, 4);
    for (size_t i = 0; i < 16; i++)
        simulation_put(s, i, 1, 0, i > 0 && i < 8 ? DISCOVER_CRITICAL : DISCOVER_PASSING, i >= 8);
    simulation_run(s, 60, 2000);
    print("7 of 8 near ones critical: calls to the last near one", 100 * share(s, 0), "%", s->results.p99_ms, 0, 18);
    simulation_free(s);
}

static void measure_stall(void)
{
    struct simulation *s = simulation_new(3, POLICY_LIBRARY, 1);
    for (size_t i = 0; i < 3; i++) {
        s->servers[i].service_ms = 1;
        s->servers[i].fixed = s->servers[i].endless = true;
    }
    simulation_run(s, 10, 20);
    s->servers[0].stall_ms = 5000;
    double seconds = 0;
    do {
        simulation_run(s, 5, 20);
        seconds += 5;
    } while (share(s, 0) < 1.0 / 9 && seconds < 1000);
    print("5 s once among calls of 1 ms: back to a third of its share", seconds, "s", 0, 0, 60);
    simulation_free(s);
}

static void measure_joining(void)
{
    struct simulation *s = simulation_new(16, POLICY_LIBRARY, 8);
    double peak = 0;
    simulation_put(s, 0, 1, 0, DISCOVER_CRITICAL, false);
    simulation_run(s, 5, 5000);
    simulation_put(s, 0, 1, 0, DISCOVER_PASSING, false);
    for (int i = 0; i < 100; i++) {
        simulation_run(s, 0.1, 5000);
        peak = fmax(peak, 16 * share(s, 0));
    }
    print("joining: most calls in 100 ms of the first 10 s", peak, "x fair", 0, 0, 1.2);
    simulation_free(s);
}

int main(void)
{
    measure_load(16, 1);
    measure_load(16, 8);
    measure_load(16, 32);
    measure_load(3, 32);
    measure_load(3, 128);
    measure_weights("weights 1:3", (const uint32_t[]){1, 3}, 2);
    measure_weights("weights 1:2:4", (const uint32_t[]){1, 2, 4}, 3);
    measure_weights("weights 1:10:100", (const uint32_t[]){1, 10, 100}, 3);
    measure_weights("a canary of 1 among 9 x 100", (const uint32_t[]){1, 100, 100, 100, 100, 100, 100, 100, 100, 100},
                    10);
    measure_stall();
    measure_dead("2 of 3 unreachable, with retries", 3, 2);
    measure_dead("8 of 16 unreachable, with retries", 16, 8);
    measure_spill();
    measure_backups();
    measure_joining();
    return all_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
