/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher in front of a bucket (bucket.h), for the tests of it. */
#ifndef TESTS_UNIT_AGENT_PUBLISHER_STAGE_H
#define TESTS_UNIT_AGENT_PUBLISHER_STAGE_H

#include "daemon/agent/publisher.h"

#include "libdiscover/core/digest.h"
#include "tests/unit/agent/bucket.h"

#define EPOCH   100
#define A       "shop.payment.web-1.a"
#define B       "shop.payment.web-1.b"
#define RTT     NS_PER_MS
#define TIMEOUT (5 * NS_PER_S)

static struct publisher *w;
static struct agent_ops ops;

static inline void setup(void)
{
    bucket_new();
    ops = bucket_ops();
    struct publisher_options options = {
        .record_ttl_ns = 3600 * NS_PER_S, .ack_timeout_ns = TIMEOUT, .window_max = 1024, .keys_max = 1000};
    ck_assert_int_eq(publisher_new(&options, &ops, &w), 0);
    publisher_resume(w, 0);
}

static inline void teardown(void)
{
    publisher_free(w);
    bucket_free();
}

static inline uint64_t put(const char *text, uint16_t port, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    struct record record = bucket_record(port);
    ck_assert_int_eq(publisher_put(w, &key, EPOCH, &record, now_ns), 0);
    ck_assert_uint_eq(record.epoch, EPOCH);
    return record.counter;
}

static inline void take_away(const char *text, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    publisher_remove(w, &key, now_ns);
}

/* The message with that sequence holds that version; epoch 0: nothing. */
static inline void observe_at(uint64_t seq, const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    struct record record = {.epoch = epoch, .counter = counter};
    publisher_observed(w, &key, &(struct agent_seen){.seq = seq, .record = epoch ? &record : NULL}, now_ns);
}

/* It is the newest of the stream. */
static inline void observe(const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns)
{
    observe_at(++bucket->seq, text, epoch, counter, now_ns);
}

static inline void observe_alien(const char *text, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    publisher_observed(w, &key, &(struct agent_seen){.seq = ++bucket->seq, .alien = true}, now_ns);
}

static inline void land(int64_t now_ns)
{
    struct flight f = bucket_land();
    publisher_answer(w, f.token, 0, f.seq, RTT, now_ns);
}

static inline void settle(int64_t now_ns)
{
    while (bucket->n_flights)
        land(now_ns);
}

static inline uint64_t digest_of(const char *text, uint64_t epoch, uint64_t counter)
{
    struct instance_key key = bucket_key(text);
    return record_digest(&key, epoch, counter);
}

#endif
