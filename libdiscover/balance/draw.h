/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picking from a prepared choice. Any thread, no lock.
 *
 * The first of two candidates is drawn by weight, from a sequence that is even over time, so that the weights are the
 * shares of the calls; the second one by chance. The second is taken if it has less to do: fewer calls in flight, by
 * weight, times its latency, as far as one latency is more than twice the other: nearer ones are alike, or all would
 * run after what is mere chance in the latencies.
 */
#ifndef LIBDISCOVER_BALANCE_DRAW_H
#define LIBDISCOVER_BALANCE_DRAW_H

#include "libdiscover/balance/choice.h"

/* The input of one draw: its random numbers, and the lane of the thread. */
struct drawer {
    uint64_t even; /* next number of the thread's even sequence (random.h) */
    uint64_t random;
    uint32_t lane;
};

/* Whom to call: a probe that is due, or the better one of two. NULL: nobody is there. */
const struct candidate *draw(const struct choice *c, const struct drawer *by);

/* For another try: none of those in tried, and none that is known to fail as long as there is another. NULL: nobody. */
const struct candidate *draw_again(const struct choice *c, const struct drawer *by, const uint64_t *tried,
                                   size_t n_tried);

/* The key's owner (rendezvous.h) among the first priority; while that does not serve, the next one, but for probes. */
const struct candidate *draw_owner(const struct choice *c, uint64_t key_hash);

#endif
