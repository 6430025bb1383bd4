/* SPDX-License-Identifier: Apache-2.0 */
/* Deterministic subsetting. */
#include "libdiscover/balance/subset.h"

#include <errno.h>
#include <stdlib.h>

#include "libdiscover/balance/random.h"
#include "libdiscover/balance/rendezvous.h"

struct position {
    uint64_t site;
    uint32_t number;
};

static int by_site(const void *a, const void *b)
{
    const struct position *x = a, *y = b;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int subset_choose(const struct discover_endpoint *endpoints, size_t n, size_t size, uint32_t client,
                  uint32_t *ret_chosen)
{
    struct position *circle = malloc(n * sizeof *circle);
    uint32_t within;
    if (!circle)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        circle[i] = (struct position){random_mix(rendezvous_site(&endpoints[i])), i};
    qsort(circle, n, sizeof *circle, by_site);
    size_t first = random_place(client * RANDOM_EVEN_STEP, (uint32_t)n, &within);
    for (size_t i = 0; i < size; i++)
        ret_chosen[i] = circle[(first + i) % n].number;
    free(circle);
    qsort(ret_chosen, size, sizeof *ret_chosen, by_number);
    return 0;
}
