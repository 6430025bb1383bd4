/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instances of a service, prepared for picking: who may be picked, how near they are, which share of the calls
 * goes to which group. Made by one thread, then read by any number; what changes lies in the backends. No lock.
 *
 * Instances of one priority and tier are a *group*. A group takes 1.4 times its healthy share of the calls, and what it
 * cannot take spills over to the next. Healthy are those that are usable and serve (outliers.h), by their weight, out
 * of all that the catalog knows, those that are down included. If nobody serves, all that are usable are candidates.
 *
 * An instance that began to serve while others did gets less than its weight at first (slow start): a tenth, then
 * more in a straight line until all of it at the end of the time set for that.
 */
#ifndef LIBDISCOVER_BALANCE_CHOICE_H
#define LIBDISCOVER_BALANCE_CHOICE_H

#include "libdiscover/balance/backend.h"

#define CHOICE_GROUPS_MAX 8 /* further ones count as one */

struct candidate {
    struct discover_endpoint endpoint;
    struct backend *backend;
    float latency_us;    /* measured, or assumed if it never was */
    float weight;        /* the endpoint's, or less during its slow start */
    uint32_t cut, alias; /* of the alias method (Vose): within its place, up to the cut, it is drawn itself */
};

struct choice_group {
    uint32_t first, n; /* its candidates: index of the first, and number */
    uint32_t load_end; /* calls whose random number is at most this go to this group */
    bool even;         /* all weights in it are alike */
};

/* An instance that keys may belong to. */
struct owner {
    struct candidate it;
    uint64_t site;   /* hash of its address and port (rendezvous.h) */
    uint32_t weight; /* as in SRV records (srv_weight.h) */
    bool serves;
};

struct choice {
    struct candidate *candidates; /* in the order of groups */
    uint32_t n_candidates;
    uint32_t n_groups;
    struct choice_group groups[CHOICE_GROUPS_MAX];
    struct owner *owners; /* all usable instances, in the order of discover_resolve */
    uint32_t n_owners;
    uint32_t *probes; /* indexes of owners that are due for a probe */
    uint32_t n_probes;
    float median_us; /* median of the latencies that are known; an assumption if none is */
    bool ramping;    /* some are in their slow start, so weights change with time */

    struct backend **backends; /* of all instances, whether they are candidates or not */
    uint32_t n_backends;
    uint32_t *index; /* hash table by id: number of the backend + 1, 0: free; its size is a power of two */
    uint32_t index_mask;
};

/* What a choice is made of. All of it stays the caller's. */
struct choice_source {
    const struct discover_endpoint *endpoints; /* usable ones, in the order of discover_resolve */
    size_t n;
    /* One for each endpoint in their order, then those of instances that are not usable now. */
    struct backend *const *backends;
    size_t n_backends;
    const struct discover_endpoint *down; /* those that are not usable */
    size_t n_down;
    uint32_t
        largest_weight;    /* of the whole service, to scale weights for keys; 0: they come from DNS, scaled already */
    int64_t slow_start_ms; /* 0: none */
};

/* Gathers what the lanes have learnt, and reviews the usable ones. -ENOMEM. *ret_due_ms as for outliers_review. */
int choice_make(const struct choice_source *source, int64_t now_ms, struct choice *ret_choice, int64_t *ret_due_ms);
void choice_fini(struct choice *c);

/*
 * alias.c: sets the cuts and aliases of n candidates by their weights, so that a draw costs the same however many there are.
 * spare: room for n numbers. Whether all weights are alike.
 */
bool alias_build(struct candidate *candidates, uint32_t n, uint32_t *spare);

/* NULL: not one of them. */
struct backend *choice_backend(const struct choice *c, uint64_t id);

#endif
