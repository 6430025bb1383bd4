/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instances of a service, prepared for picking: who may be picked, how near they are, which share of the calls
 * goes to which group. Made by one thread, then read by any number; what changes lies in the peers. No lock.
 *
 * Instances of one priority and tier are a *group*. Calls go to the first group as long as it is healthy: a group takes
 * 1.4 times its healthy share, and what it cannot take spills over to the next. Healthy are those that are usable and
 * not ejected. If less than half of all are (*panic*), ejections count no more: they may be the caller's own fault. What
 * the daemon calls critical or dead is never picked.
 */
#ifndef LIBDISCOVER_BALANCE_CHOICE_H
#define LIBDISCOVER_BALANCE_CHOICE_H

#include "libdiscover/balance/peer.h"

#define CHOICE_GROUPS_MAX 8 /* further ones count as one */

struct candidate {
    struct discover_endpoint endpoint;
    struct peer *peer;
};

struct choice_group {
    uint32_t first, n; /* candidates */
    uint32_t load_end; /* calls whose random number is at most this go here */
};

struct choice {
    struct candidate *candidates; /* in the order of groups */
    uint32_t n_candidates;
    uint32_t n_groups;
    struct choice_group groups[CHOICE_GROUPS_MAX];
    struct candidate *probes; /* ejected ones that want to be tried */
    uint32_t n_probes;
    uint32_t n_ejected;
    bool panic;
    float median_us; /* of the peers that were heard of */

    struct peer **peers; /* all, whether picked from or not */
    uint32_t n_peers;
    uint32_t *index; /* by id: peer + 1, or 0; its size is a power of two, larger than n_peers */
    uint32_t index_mask;
};

/*
 * One usable endpoint of each peer, in the order of resolve; n_peers >= n: further peers are kept for their reports
 * and their return. n_critical tells how many more there would be if they were well. Gathers what the lanes (a bit for
 * each that was used) have learnt, and reviews the usable ones.
 * Takes over nothing: peers stay the caller's. -ENOMEM. *ret_due_ms as for peers_review.
 */
int choice_make(const struct discover_endpoint *endpoints, size_t n, struct peer *const *peers, size_t n_peers,
                size_t n_critical, uint32_t lanes, int64_t now_ms, struct choice *ret_choice, int64_t *ret_due_ms);
void choice_fini(struct choice *c);

/* NULL: not one of them. */
struct peer *choice_peer(const struct choice *c, uint64_t id);

/*
 * Whom to call; NULL: nobody is left. choice_pick: the better one of two at random, or a probe that is due.
 * choice_pick_key: weighted rendezvous among the first priority: the same key, the same instance, on every host.
 * Both leave out the n_tried instances in tried.
 */
const struct candidate *choice_pick(const struct choice *c, uint64_t random, const uint64_t *tried, size_t n_tried,
                                    uint32_t lane, int64_t now_ms);
const struct candidate *choice_pick_key(const struct choice *c, uint64_t key_hash, const uint64_t *tried,
                                        size_t n_tried);

#endif
