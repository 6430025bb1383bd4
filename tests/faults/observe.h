/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches a set of hosts through a fault. Each host has instances; a thread of its own looks all the time at
 * what every host answers, and counts each instance that leaves an answer although its owner wants it there
 * and is alive. At the end it waits until all hosts answer, freshly, with what the owners want, and prints a
 * row:
 *
 *     | fault | false removals | acknowledged registrations lost | somebody alive was ignored for |
 *       time until all hosts agree |
 *
 * Somebody alive is ignored: its daemon says that it follows, and so does the daemon of the host that looks, whose
 * answer does not have what it wants there; unless nobody else has seen it yet, because NATS does not take it.
 *
 * Functions are the test's main thread's and fail the test when they fail.
 */
#ifndef FAULTS_OBSERVE_H
#define FAULTS_OBSERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/host.h"
#include "tests/support/nats_server.h"

#define OBSERVE_HOSTS_MAX     10
#define OBSERVE_INSTANCES_MAX 512
#define OBSERVE_WORDS         (OBSERVE_INSTANCES_MAX / 64)

/* A set of instances; the port of an instance is its index + 1. */
struct observe_set {
    uint64_t bits[OBSERVE_WORDS];
};

struct observe_host {
    struct host host;
    struct discover *eye; /* the observing thread's */
    bool watched;         /* its answers count: its daemon runs */
    uint32_t excused;     /* whose answers its instances may leave: a bit for each host */
    struct observe_set seen;
    int result; /* of the last look-up */
};

struct observe {
    struct observe_host at[OBSERVE_HOSTS_MAX];
    size_t n_hosts;
    size_t n_instances;
    size_t owner[OBSERVE_INSTANCES_MAX];
    bool has_ttl[OBSERVE_INSTANCES_MAX];
    struct observe_set wanted, acknowledged, known; /* known: some other host has had it in an answer */
    int64_t over_ns;
    unsigned false_removals;
    int64_t missing_ns[OBSERVE_HOSTS_MAX][OBSERVE_INSTANCES_MAX]; /* in whose answers, since when; 0: not */
    int64_t ignored_ns, ignored_max_ns;                           /* the longest; what it may be: two lease TTLs */
    char ignored[128];                                            /* who, where */
    char first[256];                                              /* what was removed first */
    char text[1024];                                              /* for messages */
    pthread_mutex_t lock;
    pthread_t thread;
    atomic_bool stop;
};

/* Starts n_hosts, "h0" and so on, with `each` instances from their configuration, and waits until all agree.
 */
struct observe_options {
    const char *nats;      /* as in host_options */
    const char *last_nats; /* of the last host, where that differs */
    size_t n_hosts, each;
    const char *lease_ttl;                        /* in seconds; default "2s" */
    const char *registry;                         /* as in host_options */
    void (*launch)(struct observe *o, size_t i);  /* instead of host_launch */
    void (*prepare)(struct observe *o, size_t i); /* before it, or NULL */
};
void observe_start(struct observe *o, const struct observe_options *options);

/* The same with a server of its own: four hosts with five instances each, leases of 4 s. */
void observe_start_four(struct observe *o, struct nats *nats, struct observe_options options);

/* One more instance, held by this process; one less. Before NATS has heard of it. */
size_t observe_register(struct observe *o, size_t host);

/* The same by a handle of the test's, for as long as it sends heartbeats (observe_heartbeats). */
size_t observe_register_ttl(struct observe *o, size_t host, struct discover *program, uint32_t ttl_ms);

/*
 * Heartbeats for all that program holds, until *stop; a daemon that does not answer is not waited for. A thread's own, in
 * which nothing else is done with program, while no more instances are made.
 */
void observe_heartbeats(struct observe *o, size_t host, struct discover *program, const atomic_bool *stop);

void observe_deregister(struct observe *o, size_t instance);

/*
 * One more that the test writes to the bucket itself, with its number plus 1 as port, under "shop/s<number % 3>": it is
 * wanted in all answers from now on. Whether an answer has one with that number.
 */
size_t observe_adopt(struct observe *o);
bool observe_sees(struct observe *o, size_t instance);

/* One more on every host, and one of these taken away again: what a fault has to let through in the end. */
void observe_change(struct observe *o);

/* Waits until NATS has acknowledged everything of the host: from then on it must not be lost. */
void observe_acknowledged(struct observe *o, size_t host);

/* Whether a host's answers count: not while its daemon is dead. */
void observe_set_watched(struct observe *o, size_t host, bool watched);

/* kill -9, and started again: its answers count once it is live. */
void observe_restart(struct observe *o, size_t host);

/* Whose answers the instances of a host may leave, a bit for each: of one whose lease has rightly run out
 * there. */
#define OBSERVE_EVERYONE UINT32_MAX
void observe_excuse(struct observe *o, size_t owner, uint32_t viewers);

/* How many of the instances of `owner` the answers of `viewer` have. What this process registered is kept alive meanwhile. */
int observe_count(struct observe *o, size_t viewer, size_t owner);

/* Keeps what this process registered alive, for so long. */
void observe_for(struct observe *o, int64_t time_ms);

/* Whether a host's last answer was fresh and what the owners want; all. */
bool observe_agrees(struct observe *o, size_t host);
bool observe_all_agree(struct observe *o);
const char *observe_text(struct observe *o);

/* Waits until all agree, and still do after hold_ms, else they have to agree again: since when that was so, or -1. */
int64_t observe_agreement(struct observe *o, int64_t timeout_ms, int64_t hold_ms);

/* The fault is over now: what observe_end counts the time from, which otherwise is its own call. */
void observe_over(struct observe *o);

/*
 * observe_agreement, from when the fault was over; prints the row. No removal may have been false, nothing lost, and nobody
 * alive ignored for longer than two lease TTLs.
 */
void observe_end(struct observe *o, const char *fault, int64_t timeout_ms, int64_t hold_ms);

#endif
