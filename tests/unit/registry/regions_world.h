/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated regions for the model of a daemon that reads them: hosts that put leases and records, streams that keep the last
 * of each key and can be made anew, and the ways to the daemon, which cut, drop, delay and hold back. Virtual time, one seed.
 * The first region is the daemon's own. Contracts of what arrives are those of daemon/bus/bus.h.
 */
#ifndef UNIT_REGISTRY_REGIONS_WORLD_H
#define UNIT_REGISTRY_REGIONS_WORLD_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/bus/bus.h"
#include "libdiscover/core/clock.h"

/* Check writes a line for every assertion that holds; here there are millions. */
#define must(condition, ...)                                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

#define REGIONS  3
#define HOSTS    4
#define MIRRORED 1     /* the region with mirrors */
#define READER   HOSTS /* its key in HOSTS of the own region */
#define KEYS     (HOSTS + 1)
#define TTL      (10 * NS_PER_S)
#define BEAT     (TTL / 3)
#define VALUE    320

enum link { LINK_WHOLE, LINK_RESET, LINK_HOLE, LINK_KEEP };

struct value {
    uint64_t seq; /* 0: there is none */
    int64_t time_ns;
    bool deleted;
    size_t n;
    uint8_t bytes[VALUE];
};

struct stream {
    int64_t created; /* 0: it was deleted */
    uint64_t last_seq;
    struct value key[KEYS];
};

struct world_host {
    bool alive, wanted; /* with its instance */
    uint64_t epoch, counter, record_counter;
    bool reported; /* the bucket has what is wanted */
    unsigned life;
    int64_t changed_ns; /* when that was put, or whether it is alive changed, last */
};

struct world_region {
    bool up; /* its NATS */
    enum link link;
    unsigned drop;                                            /* per mille of what is republished */
    int64_t delay_ns;                                         /* at most */
    struct stream streams[BUS_BUCKETS], mirrors[BUS_BUCKETS]; /* a mirror hears nothing of another life */
    struct world_host hosts[HOSTS];
};

/* What arrives at the daemon. */
enum mail_kind {
    MAIL_CONNECTED,
    MAIL_DISCONNECTED,
    MAIL_LIVE,
    MAIL_INFO,
    MAIL_ENTRY,
    MAIL_END,
    MAIL_LEASE_PUT,
    MAIL_REMEMBERED,
    MAIL_REMEMBERED_END
};

struct mail {
    enum mail_kind kind;
    enum bus_bucket bucket;
    int key;
    struct value value;
    int64_t age_ns;
    int err;
    bool check;
    int64_t created;
    uint64_t last_seq, token;
};

struct world {
    int64_t now_ns;
    uint64_t random;
    struct world_region regions[REGIONS];
};
extern struct world world;

struct world_hooks {
    void (*mail)(int region, const struct mail *mail);
    void (*turn)(void);
    void (*second)(void);
    void (*fault)(void);
};

void world_reset(uint64_t seed, const struct world_hooks *hooks);
void world_run(int64_t until_ns);
uint32_t world_random(void);
int64_t world_random_ns(int64_t below_ns);
bool world_chance(unsigned per_mille);

/* ---- the daemon's side ---- */

void world_attach(int region); /* a connection: for ever, until detached */
void world_detach(int region);
int world_resync(int region, enum bus_bucket bucket);
int world_check(int region, enum bus_bucket bucket);
int world_remember(int region, enum bus_bucket bucket);               /* what its mirror has, which is here */
void world_put_lease(const uint8_t *bytes, size_t n, uint64_t token); /* the daemon's own */
void world_turn_at(int64_t at_ns);                                    /* instead of what was said before */
void world_pause(int64_t until_ns);                                   /* the daemon does not run until then */

/* ---- faults ---- */

void world_fault_at(int64_t at_ns);
void world_set_link(int region, enum link link);
void world_set_up(int region, bool up); /* its NATS; the streams stay */
void world_recreate(int region, enum bus_bucket bucket);
void world_kill(int region, int host);
void world_start(int region, int host);
void world_want(int region, int host, bool wanted);

/* Names: "a"; of a host, and what is under its key, in that bucket. */
const char *world_region_name(int region);

#endif
