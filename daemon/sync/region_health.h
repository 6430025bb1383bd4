/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether another region can be trusted in what it says by its silence. There is no canary to send into it: it is never
 * written to. So silence is asked about: a region that says nothing for longer than a heartbeat is asked how far its
 * leases are (STREAM.INFO), and one that does not answer either is stale, before the first of its leases can run out.
 * Pure; main thread.
 *
 *   never        nothing is known of it
 *   live         it answers, and both followers are synchronised
 *   stale        it does not answer: what is known of it stays, and is asked for until it does
 *   catching up  it answers again, and is being read: as stale
 */
#ifndef SYNC_REGION_HEALTH_H
#define SYNC_REGION_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum region_state { REGION_NEVER, REGION_LIVE, REGION_STALE, REGION_CATCHING_UP };

struct region_health_ops {
    void (*ask)(void *arg); /* how far its leases are; answered by region_health_answered, also when it fails */
    /* It answers, or not any more: for the followers, to which it is what a connection is. */
    void (*reachable)(void *arg, bool reachable);
    void (*changed)(void *arg, enum region_state state); /* only when it changes */
};

struct region_health {
    struct region_health_ops ops;
    void *arg;
    enum region_state state;
    bool connected, reachable, synced;
    bool known;         /* something of it is known: heard in this life, or stored by the last one */
    bool asking;        /* a question is out */
    int64_t beat_ns;    /* a third of the shortest TTL of its leases: some host speaks that often */
    int64_t heard_ns;   /* when something last came from it */
    int64_t doubted_ns; /* when it was first asked in its present silence; 0: not asked */
    int64_t ask_ns;     /* while it is not reachable, when to ask next */
    uint64_t asked;     /* number of questions so far */
};

/* lease_ttl_ns: what its leases are likely to have. */
void region_health_init(struct region_health *h, const struct region_health_ops *ops, void *arg, int64_t lease_ttl_ns);

/* What the last life left of it, which is not to be forgotten: stale, not never. */
void region_health_remember(struct region_health *h);

/* Whether we are connected to our own NATS, through which the region is reached. */
void region_health_set_connected(struct region_health *h, bool connected, int64_t now_ns);

/* Anything came from it: a change, a part of a snapshot. */
void region_health_heard(struct region_health *h, int64_t now_ns);

/* The answer to a question, or why there is none: a negative errno; -ETIMEDOUT alone leaves it open. */
void region_health_answered(struct region_health *h, int err, int64_t now_ns);

/* Whether both followers of the region are synchronised. */
void region_health_set_synced(struct region_health *h, bool synced);

/* It has a lease with this TTL. */
void region_health_lease(struct region_health *h, int64_t ttl_ns);

/* This process did not run for so long: nobody was silent because of that. */
void region_health_stalled(struct region_health *h, int64_t ns);

/* Returns when to call again; INT64_MAX: not by time. */
int64_t region_health_tick(struct region_health *h, int64_t now_ns);

/* "never", "live", "stale", "catching up". Static. */
const char *region_state_text(enum region_state state);

#endif
