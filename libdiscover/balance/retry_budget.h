/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many retries a picker allows: a fifth of its picks and ten a second, saved up for ten seconds, so that those who
 * have enough to do are not called several times for each call. Spending: any thread; filling: one at a time.
 */
#ifndef LIBDISCOVER_BALANCE_RETRY_BUDGET_H
#define LIBDISCOVER_BALANCE_RETRY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In thousandths of a retry. */
#define RETRY_COST      1000
#define RETRY_PER_MS    10
#define RETRY_PER_PICK  200
#define RETRY_SAVED_MAX (100 * RETRY_COST)

struct retry_budget {
    _Atomic int64_t left;
    int64_t filled_ms;
};

static inline void retry_budget_init(struct retry_budget *b, int64_t now_ms)
{
    atomic_store(&b->left, 10 * RETRY_COST);
    b->filled_ms = now_ms;
}

/* Adds what the picks and the time since the last call allow. */
static inline void retry_budget_fill(struct retry_budget *b, uint32_t picks, int64_t now_ms)
{
    int64_t past_ms = now_ms - b->filled_ms;
    int64_t more = (int64_t)picks * RETRY_PER_PICK + (past_ms < 10000 ? past_ms : 10000) * RETRY_PER_MS;
    int64_t most = RETRY_SAVED_MAX + 10 * RETRY_PER_PICK * (int64_t)picks;
    int64_t had = atomic_load(&b->left), next;
    do
        next = had + more < most ? had + more : had > most ? had : most;
    while (!atomic_compare_exchange_weak(&b->left, &had, next));
    b->filled_ms = now_ms;
}

static inline bool retry_budget_spend(struct retry_budget *b)
{
    int64_t left = atomic_load(&b->left);
    while (left >= RETRY_COST)
        if (atomic_compare_exchange_weak(&b->left, &left, left - RETRY_COST))
            return true;
    return false;
}

static inline void retry_budget_give_back(struct retry_budget *b)
{
    atomic_fetch_add(&b->left, RETRY_COST);
}

#endif
