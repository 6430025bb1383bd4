/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in SRV records (RFC 2782). Pure; any thread. */
#ifndef CORE_SRV_WEIGHT_H
#define CORE_SRV_WEIGHT_H

#include <stdint.h>

/*
 * HAProxy divides an SRV weight by 256 and has nothing below 1, so a weight of 1 must become 256. Weights up to 255
 * are multiplied; a service with larger ones is scaled as a whole.
 */
#define SRV_WEIGHT_UNIT 256
#define SRV_WEIGHT_MAX  65535

static inline uint32_t srv_weight_clamp(uint32_t weight)
{
    if (weight == 0)
        return 1;
    return weight < SRV_WEIGHT_MAX ? weight : SRV_WEIGHT_MAX;
}

/* largest: the largest weight, clamped, of all instances of the service, usable or not. */
static inline uint32_t srv_weight(uint32_t weight, uint32_t largest)
{
    weight = srv_weight_clamp(weight);
    if (largest * SRV_WEIGHT_UNIT <= SRV_WEIGHT_MAX)
        return weight * SRV_WEIGHT_UNIT;
    uint32_t scaled = (uint32_t)((uint64_t)weight * SRV_WEIGHT_MAX / largest);
    return scaled < SRV_WEIGHT_UNIT ? SRV_WEIGHT_UNIT : scaled;
}

#endif
