/* SPDX-License-Identifier: Apache-2.0 */
/* When the lease of this host is put: every third of its TTL with some jitter, and sooner after a failure. */
#include "daemon/agent/lease_schedule.h"

#include "libdiscover/core/clock.h"

#define BEATS_PER_TTL  3
#define RETRY_SHARE    8 /* a failed one is put again after an eighth of the time between two */
#define REPLY_PAUSE_NS (100 * NS_PER_MS)

void lease_beat_init(struct lease_beat *b, int64_t lease_ttl_ns)
{
    *b = (struct lease_beat){.every_ns = lease_ttl_ns / BEATS_PER_TTL, .next_ns = INT64_MAX};
}

void lease_beat_now(struct lease_beat *b, int64_t now_ns)
{
    b->next_ns = now_ns;
}

void lease_beat_stop(struct lease_beat *b)
{
    b->next_ns = INT64_MAX;
}

/* Brings the next put forward, but not to less than pause_ns after the last one. */
static void bring_forward(struct lease_beat *b, int64_t pause_ns, int64_t now_ns)
{
    int64_t next_ns = b->sent_ns + pause_ns > now_ns ? b->sent_ns + pause_ns : now_ns;
    if (b->next_ns != INT64_MAX && next_ns < b->next_ns)
        b->next_ns = next_ns;
}

void lease_beat_lost(struct lease_beat *b, int64_t now_ns)
{
    bring_forward(b, b->every_ns / RETRY_SHARE, now_ns);
}

void lease_beat_overtaken(struct lease_beat *b, uint64_t counter, int64_t now_ns)
{
    if (counter <= b->counter)
        return;
    b->counter = counter;
    lease_beat_lost(b, now_ns);
}

void lease_beat_reply(struct lease_beat *b, int64_t now_ns)
{
    int64_t pause_ns = b->every_ns / RETRY_SHARE;
    bring_forward(b, pause_ns < REPLY_PAUSE_NS ? pause_ns : REPLY_PAUSE_NS, now_ns);
}

/* A random time between 80 % and 100 % of ns. */
static int64_t jittered(int64_t ns, uint64_t random)
{
    return ns - ns / 5 * (int64_t)(random % 1024) / 1024;
}

uint64_t lease_beat_sent(struct lease_beat *b, uint64_t random, int64_t now_ns)
{
    b->acked = false;
    b->sent_ns = now_ns;
    b->next_ns = now_ns + jittered(b->every_ns, random);
    return ++b->counter;
}

void lease_beat_answer(struct lease_beat *b, uint64_t counter, int err, uint64_t random, int64_t now_ns)
{
    if (err == 0 && counter > b->stored)
        b->stored = counter;
    if (counter != b->counter)
        return;
    b->acked = err == 0;
    int64_t retry_ns = now_ns + jittered(b->every_ns / RETRY_SHARE, random);
    if (err && b->next_ns != INT64_MAX && retry_ns < b->next_ns)
        b->next_ns = retry_ns;
}
