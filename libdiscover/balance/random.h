/* SPDX-License-Identifier: Apache-2.0 */
/* Mixed bits, and sequences that are even over a range. Pure; any thread. */
#ifndef LIBDISCOVER_BALANCE_RANDOM_H
#define LIBDISCOVER_BALANCE_RANDOM_H

#include <stdint.h>

/* 64 bits that are far apart for numbers that are near each other. */
static inline uint64_t random_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The step of a sequence that fills any range evenly, however long it runs: the golden ratio's fraction. */
#define RANDOM_EVEN_STEP UINT64_C(0x9e3779b97f4a7c15)

/*
 * A number below n out of 64 bits that are even over their range, and where within its place it fell: what an alias
 * method (Walker, Vose) needs, so that one number serves for both.
 */
static inline uint32_t random_place(uint64_t even, uint32_t n, uint32_t *ret_within)
{
    uint64_t product = (even >> 32) * n;
    *ret_within = (uint32_t)product;
    return (uint32_t)(product >> 32);
}

#endif
