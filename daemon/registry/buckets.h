/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the two buckets are: whether they can be read, whether they take what is put, how full they are, and which of
 * their settings are not as they should be. Shown in the log (once for each change), in the status and in the metrics.
 * Main thread only.
 */
#ifndef REGISTRY_BUCKETS_H
#define REGISTRY_BUCKETS_H

#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "proto/api.pb-c.h"

struct buckets;

/* names: of the buckets; the caller's. -ENOMEM. */
int buckets_new(const char *const names[static BUS_BUCKETS], struct metrics *metrics, struct buckets **ret_b);
void buckets_free(struct buckets *b);

/* STREAM.INFO of a bucket was answered, or (info->err) was not. */
void buckets_info(struct buckets *b, enum bus_bucket bucket, const struct bus_info *info);

/* A snapshot came to its end; err 0 or a negative errno with a reason. */
void buckets_read(struct buckets *b, enum bus_bucket bucket, int err, const char *reason);

/* A put was answered; refused: how many keys of this host the bucket refuses now. */
void buckets_put(struct buckets *b, const struct bus_put_result *result, uint32_t refused, int64_t now_ns);

/* The connection was lost: nothing is known of puts until there is another. */
void buckets_disconnected(struct buckets *b);

/* Fills in the fields about buckets; they stay valid until anything else is called. */
void buckets_status(struct buckets *b, int64_t now_ns, Discover__V1__Status *ret_status);

#endif
