/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many puts may be in flight: grows by a step for each windowful that is acknowledged in good time, is halved
 * when acknowledgements get slow or fail (additive increase, multiplicative decrease); in the beginning, until that happens
 * first, it is doubled with each (slow start, RFC 5681 section 3.1). Pure; any one thread.
 *
 * *Slow* is against the quickest acknowledgement seen, which is slowly forgotten: what is good between two regions
 * is bad within a rack.
 */
#ifndef AGENT_WINDOW_H
#define AGENT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_START 64
#define WINDOW_STEP  16
#define WINDOW_MIN   4

struct window {
    uint32_t size, max;
    uint32_t in_flight; /* one more with each that is sent */
    uint32_t acked;     /* number of puts of the present windowful that were acknowledged */
    int64_t base_ns;    /* the quickest acknowledgement, slowly forgotten; 0: none yet */
    int64_t cut_ns;     /* when it was halved last: answers to puts before that say nothing about the new size;
                           INT64_MIN: never */
};

void window_init(struct window *w, uint32_t max);

/* After a reconnect: nothing is in flight, and nothing is known of the new server. */
void window_reset(struct window *w);

static inline bool window_open(const struct window *w)
{
    return w->in_flight < w->size;
}

/* One of the puts in flight was acknowledged, rtt_ns after it was sent. */
void window_acked(struct window *w, int64_t sent_ns, int64_t rtt_ns, int64_t now_ns);

/* One of the puts in flight failed, or is given up. */
void window_lost(struct window *w, int64_t sent_ns, int64_t now_ns);

/* The window is halved: the bus took no more. */
void window_cut(struct window *w, int64_t now_ns);

#endif
