/* SPDX-License-Identifier: Apache-2.0 */
/* Draws an instance by weight in constant time: the alias method of Walker, built as Vose does. */
#include "libdiscover/balance/choice.h"

static double sum_weights(const struct candidate *candidates, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += candidates[i].weight;
    return sum;
}

static bool all_alike(const struct candidate *candidates, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (candidates[i].weight != candidates[0].weight)
            return false;
    return true;
}

/* A place's part of 1, as a cut; what is less than 1 by the last bit is 1. */
static uint32_t cut_of(double part)
{
    double cut = part * 0x1p32;
    return cut >= 0x1p32 - 1 ? UINT32_MAX : (uint32_t)cut;
}

/* The stack of those with less than their place grows from the front, that of those with more from the back. */
bool alias_build(struct candidate *candidates, uint32_t n, uint32_t *spare)
{
    double scale = n / sum_weights(candidates, n);
    uint32_t less = 0, more = n;
    for (uint32_t i = 0; i < n; i++) {
        candidates[i].alias = i;
        candidates[i].cut = UINT32_MAX;
        spare[candidates[i].weight * scale < 1.0 ? less++ : --more] = i;
    }
    double left = 0; /* of the uppermost of those with more: what it has given away by now */
    while (less > 0 && more < n) {
        uint32_t poor = spare[--less], rich = spare[more];
        double part = candidates[poor].weight * scale;
        candidates[poor].cut = cut_of(part);
        candidates[poor].alias = rich;
        left += 1.0 - part;
        while (more < n && candidates[spare[more]].weight * scale - left < 1.0) {
            double rest = candidates[spare[more]].weight * scale - left;
            uint32_t now_poor = spare[more++];
            left = 0;
            if (more == n)
                break;
            candidates[now_poor].cut = cut_of(rest);
            candidates[now_poor].alias = spare[more];
            left = 1.0 - rest;
        }
    }
    return all_alike(candidates, n);
}
