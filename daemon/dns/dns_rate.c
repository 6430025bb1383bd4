/* SPDX-License-Identifier: Apache-2.0 */
/* Response rate limiting: a budget of answers for each network that asks. */
#include "daemon/dns/dns_rate.h"

#include "libdiscover/core/clock.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define IPV4_PREFIX_BYTES 3
#define IPV6_PREFIX_BYTES 7

enum dns_rate_verdict dns_rate_take(struct dns_rate *r, const uint8_t *address, size_t n, int64_t now_ns)
{
    if (r->rate == 0)
        return DNS_RATE_REPLY;
    uint64_t network = XXH3_64bits(address, n == 4 ? IPV4_PREFIX_BYTES : IPV6_PREFIX_BYTES);
    struct dns_rate_bucket *b = &r->buckets[network % DNS_RATE_BUCKETS];
    if (b->network != network && b->full_at_ns <= now_ns)
        *b = (struct dns_rate_bucket){.network = network};
    if (b->full_at_ns < now_ns)
        b->full_at_ns = now_ns;
    if (b->full_at_ns - now_ns <= NS_PER_S - NS_PER_S / r->rate) {
        b->full_at_ns += NS_PER_S / r->rate;
        return DNS_RATE_REPLY;
    }
    return b->limited++ % 2 == 0 ? DNS_RATE_SLIP : DNS_RATE_DROP;
}
