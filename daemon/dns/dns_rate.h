/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits the replies to a network of clients, so that queries with a forged source cannot turn us against it
 * (response rate limiting). One worker's; bounded memory, no allocation.
 *
 * A network is an IPv4 /24 or an IPv6 /56. Each has a bucket that fills with `rate` replies a second, up to one
 * second's worth. Over the limit every second reply slips through as "come by TCP", which a forger cannot.
 */
#ifndef DNS_DNS_RATE_H
#define DNS_DNS_RATE_H

#include <stddef.h>
#include <stdint.h>

#define DNS_RATE_BUCKETS 4096

struct dns_rate_bucket {
    uint64_t network;   /* hash of family and prefix */
    int64_t full_at_ns; /* when the bucket will be full again */
    uint32_t limited;
};

struct dns_rate {
    uint32_t rate;                                    /* 0: no limit */
    struct dns_rate_bucket buckets[DNS_RATE_BUCKETS]; /* networks that meet in one share it */
};

enum dns_rate_verdict { DNS_RATE_REPLY, DNS_RATE_SLIP, DNS_RATE_DROP };

/* address: n = 4 or 16 octets. */
enum dns_rate_verdict dns_rate_take(struct dns_rate *r, const uint8_t *address, size_t n, int64_t now_ns);

#endif
