/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated NATS for the model test: two streams that keep the last message of each key, live feeds that may drop,
 * repeat, delay and reorder, snapshots that are read while others write, answers that get lost, puts that arrive
 * again much later. Virtual time; everything that happens is an event, and everything random comes from one seed.
 */
#ifndef UNIT_SYNC_MODEL_BUS_H
#define UNIT_SYNC_MODEL_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

#include "libdiscover/core/clock.h"

/* Check writes a line for every assertion that holds; here there are millions. */
#define must(condition, ...)                                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

#define HOSTS     6
#define CLIENTS   (HOSTS + 1) /* the last one is a copy of some host */
#define INSTANCES 2           /* of each host */
#define TTL       (10 * NS_PER_S)
#define MAX_AGE   (3 * TTL) /* of leases */

enum bucket { SERVICES, LEASES, BUCKETS };

/* Key: host * INSTANCES + instance, or host. */
#define KEYS (HOSTS * INSTANCES)

struct value {
    uint64_t epoch, counter, min_epoch;
    uint64_t node, life, claim, asked_by, answers, digest; /* of a lease */
    bool ran_out;                                          /* of a question */
    bool deleted, leaving;
    bool alien; /* what no owner writes: it cannot be read */
};

struct message {
    struct value value;
    uint64_t seq; /* 0: there is no message */
    int64_t time_ns;
};

/* What arrives at a daemon, in the order of its events. */
enum mail_kind { MAIL_CONNECTED, MAIL_DISCONNECTED, MAIL_LIVE, MAIL_INFO, MAIL_ENTRY, MAIL_END, MAIL_PUT_DONE };

struct mail {
    enum mail_kind kind;
    enum bucket bucket;
    int key;
    struct message m;
    int64_t age_ns;
    int err;
    int64_t created;
    uint64_t last_seq;
    uint64_t token;
};

struct bus_faults {
    unsigned drop, repeat, reorder, lose_put, replay_put; /* per mille */
    int64_t delay_ns;                                     /* at most, of each message */
};

struct bus_hooks {
    void (*mail)(int host, const struct mail *mail);
    void (*turn)(int host);
    void (*fault)(void); /* bus_at with host -1 */
};

struct model_bus {
    int64_t now_ns;
    uint64_t random; /* state */
    bool up;
    struct bus_faults faults;
    struct bus_hooks hooks;
};
extern struct model_bus bus;

void bus_reset(uint64_t seed, const struct bus_hooks *hooks);

uint32_t bus_random(void);
int64_t bus_random_ns(int64_t below_ns);
bool bus_chance(unsigned per_mille);

/* Runs until there is nothing left before until_ns. */
void bus_run(int64_t until_ns);

/* Calls turn(host) (or fault for host -1) then; for turn, only the last order of a host counts. */
void bus_at(int host, int64_t at_ns);

/* ---- a daemon's side ---- */

void bus_attach(int host); /* a new process: connects */
void bus_detach(int host); /* the process is gone, with everything on its way to it */
void bus_model_put(int host, enum bucket bucket, int key, const struct value *value, uint64_t token);
void bus_model_resync(int host, enum bucket bucket);
void bus_model_check(int host, enum bucket bucket);

/* ---- faults ---- */

void bus_set_up(bool up); /* the server; its files stay */
void bus_recreate(enum bucket bucket);
void bus_write_over(int key, const struct value *value); /* by somebody else: a record */
void bus_purge(enum bucket bucket);                      /* nothing is republished */
void bus_cut(int host, bool cut);                        /* partition */
void bus_pause(int host, int64_t ns);                    /* the daemon's process stands still */
void bus_deafen(int host, enum bucket bucket, int64_t ns);

/* When the newest message of the key was stored, and the epoch in it; 0: there is none. */
int64_t bus_stored_ns(enum bucket bucket, int key);
uint64_t bus_stored_epoch(enum bucket bucket, int key);

#endif
