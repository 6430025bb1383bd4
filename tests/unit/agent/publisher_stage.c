/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/publisher_stage.h"

static const struct agent_options options = {
    .record_ttl_ns = 3600 * NS_PER_S, .window_max = 1024, .instances_max = 500};
static struct publisher publisher;
struct publisher *const w = &publisher;
struct agent_ops ops;
struct agent_metrics counted;

void setup(void)
{
    bucket_new();
    ops = bucket_ops();
    publisher_init(w, &options, &ops, &counted);
    publisher_resume(w, 0);
}

void teardown(void)
{
    publisher_fini(w);
    bucket_free();
}

uint64_t put(const char *text, uint16_t port, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    struct record record = bucket_record(port);
    uint8_t bytes[RECORD_WIRE_MAX];
    uint64_t counter;
    size_t n;
    ck_assert_int_eq(record_encode(&record, bytes, &n), 0);
    ck_assert_int_eq(publisher_put(w, &key, EPOCH, bytes, n, now_ns, &counter), 0);
    return counter;
}

void take_away(const char *text, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    publisher_remove(w, &key, now_ns);
}

void observe_at(uint64_t seq, const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    struct record record = {.epoch = epoch, .counter = counter};
    publisher_observed(w, &key, &(struct agent_seen){.seq = seq, .record = epoch ? &record : NULL}, now_ns);
}

void observe(const char *text, uint64_t epoch, uint64_t counter, int64_t now_ns)
{
    observe_at(++bucket->seq, text, epoch, counter, now_ns);
}

void observe_alien(const char *text, int64_t now_ns)
{
    struct instance_key key = bucket_key(text);
    publisher_observed(w, &key, &(struct agent_seen){.seq = ++bucket->seq, .alien = true}, now_ns);
}

void land(int64_t now_ns)
{
    struct flight f = bucket_land();
    publisher_answer(w, f.token, 0, f.seq, RTT, now_ns);
}

void settle(int64_t now_ns)
{
    while (bucket->n_flights)
        land(now_ns);
}

uint64_t digest_of(const char *text, uint64_t epoch, uint64_t counter)
{
    struct instance_key key = bucket_key(text);
    return record_digest(&key, epoch, counter);
}
