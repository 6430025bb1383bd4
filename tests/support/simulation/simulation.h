/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real library's pickers in simulated time: clock and threads are played, servers are queues, calls come at random
 * times from a fixed seed. One at a time in a process. Beside the pickers, reference policies under the same load.
 * Whatever fails ends the program.
 */
#ifndef SUPPORT_SIMULATION_H
#define SUPPORT_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/discover.h"

#define SERVERS_MAX 64
#define CLIENTS_MAX 128

enum policy {
    POLICY_LIBRARY,   /* one picker for all clients, which are threads */
    POLICY_OWN,       /* the library, with a picker for each client */
    POLICY_RANDOM,    /* by weight */
    POLICY_LEAST_OWN, /* of two at random, the one with fewer calls in flight of this client */
    POLICY_PEAK_EWMA, /* each client's own: of two, the lower one of peak latency, decaying over 10 s, x calls in flight */
};

/* What may be changed at any time between two runs. */
struct server {
    double service_ms; /* mean of an exponential distribution */
    bool fixed;        /* the same for every call */
    bool endless;      /* no queue: each call takes its own time, however many there are */
    bool dead;         /* nobody listens: calls fail after 0.1 ms */
    double stall_ms;   /* the next call takes so long; then it is 0 again */
    uint64_t calls, failures;
    double free_ms; /* when its queue is empty */
};

struct results {
    uint64_t calls, lost;
    double mean_ms, p99_ms; /* of those that succeeded, retries included */
};

struct simulation {
    struct server servers[SERVERS_MAX];
    struct results results; /* of the last run */
    int retries;            /* more tries for a call that failed */
    bool by_key;            /* pick_key with a random key */
};

/* n servers of weight 1 on a near host. policy, and how many clients. */
struct simulation *simulation_new(size_t n, enum policy policy, size_t clients);
void simulation_free(struct simulation *s);

/* The catalog's word on a server. far: in another zone. */
void simulation_put(struct simulation *s, size_t server, uint32_t weight, uint16_t priority, enum discover_state state,
                    bool far);

/* The first client's picker, for its settings. NULL for a reference policy. */
struct discover_picker *simulation_picker(struct simulation *s);

/* Which server an endpoint is. */
size_t simulation_server(const struct discover_endpoint *endpoint);

/* Lets calls come for some time, so many a second in the mean, and counts anew. Calls in flight go on in the next run. */
void simulation_run(struct simulation *s, double seconds, double calls_per_s);

/* Simulated time, ms. */
double simulation_now_ms(void);

#endif
