/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher in front of a bucket (bucket.h), for the tests of it. */
#ifndef TESTS_UNIT_AGENT_PUBLISHER_STAGE_H
#define TESTS_UNIT_AGENT_PUBLISHER_STAGE_H

#include "daemon/agent/publisher_impl.h"

#include "libdiscover/core/digest.h"
#include "tests/unit/agent/bucket.h"

#define EPOCH   100
#define A       "shop.payment.web-1.a"
#define B       "shop.payment.web-1.b"
#define RTT     NS_PER_MS
#define TIMEOUT (5 * NS_PER_S)

extern struct publisher *const w;
extern struct agent_ops ops;
extern struct agent_metrics counted;

void setup(void);
void teardown(void);
uint64_t put(const char *text, uint16_t port, int64_t now_ns);
void take_away(const char *text, int64_t now_ns);

/* The message with that sequence holds that version; epoch 0: nothing. */
void observe_at(uint64_t seq, const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns);

/* It is the newest of the stream. */
void observe(const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns);
void observe_alien(const char *text, int64_t now_ns);
void land(int64_t now_ns);
void settle(int64_t now_ns);
uint64_t digest_of(const char *text, uint64_t epoch, uint64_t counter);

#endif
