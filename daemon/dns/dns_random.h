/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for the order of answers: fast, and good enough to balance load; nothing secret. */
#ifndef DNS_DNS_RANDOM_H
#define DNS_DNS_RANDOM_H

#include <stdint.h>

struct dns_random {
    uint64_t state;
};

/* SplitMix64: any seed will do. */
static inline uint64_t dns_random(struct dns_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. n - 1, evenly: the bias of the multiplication is below n / 2^32. */
static inline uint32_t dns_random_below(struct dns_random *r, uint32_t n)
{
    return (uint32_t)((dns_random(r) >> 32) * n >> 32);
}

#endif
