/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no daemon can beat: a bare nats.c program that publishes into a bucket, and another connection that gets the
 * republished message. The bucket is one of its own with the settings of ours. Fails the test when it fails.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "tests/bench/propagation/samples.h"

struct floor;

/* Where each of the two connects, and how many servers keep the bucket. */
struct floor *floor_open(const char *writer_url, const char *reader_url, int replicas);
/* In a cluster a message's way depends on which server leads the stream: makes it the one that leads another stream. */
void floor_share_leader(struct floor *f, const char *stream);

void floor_close(struct floor *f);

/* One put of that many bytes: from the call until the message is there. */
int64_t floor_measure(struct floor *f, size_t bytes);

#endif
