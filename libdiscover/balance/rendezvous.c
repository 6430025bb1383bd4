/* SPDX-License-Identifier: Apache-2.0 */
/* Rendezvous hashing: which instance a key belongs to. */
#include "libdiscover/balance/rendezvous.h"

#include <string.h>

#include "libdiscover/balance/random.h"
#include "libdiscover/core/table_reader.h"

uint64_t rendezvous_site(const struct discover_endpoint *endpoint)
{
    uint8_t bytes[sizeof endpoint->ipv6 + 2];
    size_t n = 0;
    if (endpoint->families & DISCOVER_HAS_IPV4)
        memcpy(bytes, endpoint->ipv4, n = sizeof endpoint->ipv4);
    else if (endpoint->families & DISCOVER_HAS_IPV6)
        memcpy(bytes, endpoint->ipv6, n = sizeof endpoint->ipv6);
    else
        return endpoint->id;
    bytes[n++] = (uint8_t)(endpoint->port >> 8);
    bytes[n++] = (uint8_t)endpoint->port;
    return table_hash((const char *)bytes, n);
}

/*
 * -ln of a number in (0, 1), out of 64 random bits. By its exponent and a series that is right to six digits: the
 * same on every machine, which a mathematics library does not promise.
 */
static double minus_ln(uint64_t random)
{
    double x = ((double)(random >> 11) + 0.5) * 0x1p-53;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    memcpy(&x, &bits, sizeof x);
    double t = (x - 1.0) / (x + 1.0), t2 = t * t;
    double ln = 2.0 * t * (1.0 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7 + t2 * (1.0 / 9 + t2 / 11)))));
    return -(ln + exponent * 0.6931471805599453);
}

bool rendezvous_offer(struct rendezvous *r, uint64_t key_hash, uint64_t site, uint32_t weight)
{
    uint64_t random = random_mix(key_hash ^ random_mix(site));
    if (r->weight == weight && random <= r->random)
        return false; /* of equal weights the larger number wins, without a logarithm */
    double score = minus_ln(random) / weight;
    if (r->weight && score >= r->score)
        return false;
    *r = (struct rendezvous){random, weight, score};
    return true;
}
