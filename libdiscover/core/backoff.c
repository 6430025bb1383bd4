/* SPDX-License-Identifier: Apache-2.0 */
/* Computes how long to wait before the next try. */
#include "libdiscover/core/backoff.h"

void backoff_init(struct backoff *b, int64_t first_ns, int64_t max_ns)
{
    b->first_ns = first_ns;
    b->max_ns = max_ns;
    b->next_ns = first_ns;
}

void backoff_set_max(struct backoff *b, int64_t max_ns)
{
    b->max_ns = max_ns > b->first_ns ? max_ns : b->first_ns;
    b->next_ns = b->next_ns < b->max_ns ? b->next_ns : b->max_ns;
}

int64_t backoff_next(struct backoff *b, uint32_t random)
{
    int64_t longest = b->next_ns, half = longest / 2;
    b->next_ns = longest > b->max_ns / 2 ? b->max_ns : longest * 2;
    return longest - (int64_t)((double)half * random / UINT32_MAX);
}

void backoff_reset(struct backoff *b)
{
    b->next_ns = b->first_ns;
}
