/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the bus can be trusted to bring news. The own lease is the canary: it must come back through the live
 * feed, and how long that takes is the measured propagation. Pure; main thread.
 *
 * Healthy: connected, both followers synced, and the newest canary that came back is not overdue.
 */
#ifndef SYNC_HEALTH_H
#define SYNC_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum health_reason {
    HEALTH_OK,
    HEALTH_DISCONNECTED,
    HEALTH_UNSYNCED,
    HEALTH_NO_CANARY, /* none has come back since the bus was connected */
    HEALTH_OVERDUE,   /* one was put and did not come back in time */
};

/* Calls back only when the reason changes; healthy is reason == HEALTH_OK. */
typedef void health_changed_fn(void *arg, enum health_reason reason);

struct health {
    health_changed_fn *changed;
    void *arg;
    int64_t overdue_ns;
    enum health_reason reason;
    bool connected, synced;
    bool heard;               /* a canary has come back over this connection */
    bool waiting;             /* a canary was put and has not come back yet */
    uint64_t sent, seen;      /* counters of the newest canary that was put, and that came back */
    int64_t waiting_since_ns; /* when the oldest canary that has not come back was put */
    int64_t sent_ns;          /* when the newest canary was put */
    int64_t last_ns;          /* how long the last one took to come back; -1: none has yet */
    int64_t smoothed_ns;      /* moving average of last_ns */
};

void health_init(struct health *h, int64_t overdue_ns, health_changed_fn *changed, void *arg);

void health_set_connected(struct health *h, bool connected, int64_t now_ns);
void health_set_synced(struct health *h, bool synced, int64_t now_ns);

/* The own lease with this counter was given to the bus (whether or not the bus took it). Counters grow. */
void health_sent(struct health *h, uint64_t counter, int64_t now_ns);

/* The own lease with this counter came back through the live feed. */
void health_seen(struct health *h, uint64_t counter, int64_t now_ns);

/* This process did not run for so long: no canary is late because of that. */
void health_stalled(struct health *h, int64_t ns);

/* Returns when to call again; INT64_MAX: not by time. */
int64_t health_tick(struct health *h, int64_t now_ns);

/* "ok", "disconnected", ... Static. */
const char *health_reason_text(enum health_reason reason);

#endif
