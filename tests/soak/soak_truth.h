/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be answered: which instances live. An instance is a slot, its port shows which one. Who makes and ends
 * instances (soak_writers.h) says so here, at once. Main thread.
 */
#ifndef SOAK_TRUTH_H
#define SOAK_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/soak/soak.h"

#define SOAK_SLOTS  60000
#define SOAK_PORT_0 2000 /* of slot 0 */

enum soak_kind {
    SOAK_BOUND, /* lives as long as a process of its own */
    SOAK_TTL,   /* registered by this process, with a TTL */
    SOAK_JSON,  /* put into the bucket by a client of NATS */
    SOAK_KINDS
};

struct soak_instance {
    bool alive;
    uint8_t kind;
    uint8_t host;
    uint16_t service;
    pid_t pid;       /* SOAK_BOUND */
    int64_t next_ns; /* others: when it is to be renewed */
};

extern struct soak_instance soak_all[SOAK_SLOTS];

/* A new one, in a slot that was not used for long. */
unsigned soak_born(enum soak_kind kind, unsigned host, unsigned service);
void soak_died(unsigned slot);
unsigned soak_alive(void);

/* A living one at random; SOAK_SLOTS: there is none. */
unsigned soak_any(uint32_t random);

/* Ports that an answer has. */
struct soak_set {
    unsigned n;
    uint16_t port[256];
};

void soak_set_add(struct soak_set *set, unsigned port);

/* Counts what the answer lacks of the service, and what it has and should not. */
void soak_compare(unsigned service, const struct soak_set *answer, unsigned *missing, unsigned *ghosts);

#endif
