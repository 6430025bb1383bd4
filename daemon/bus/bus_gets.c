/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second way to read a stream, for who may make no consumers: each message is asked for, hundreds at once.
 *
 * 1. The first request is for a batch (servers from 2.11 on know them), and behind it goes one for a single message.
 *    When the answer to that one is there and no more than one of the batch, either the server knows no batches, or
 *    what lies between (an import that lets one answer through) passes none on.
 * 2. With batches: one request after the other, each for as many messages as a batch has.
 * 3. Without: chains of single direct gets over ranges of sequences (bus_ranges.h).
 * 4. Where a direct get may be answered by a replica that is behind: servers without batches may answer with messages
 *    that are long overwritten, so it is the leader who is asked (STREAM.MSG.GET), if that is allowed. Of others "there
 *    is no more" is not believed until the leader says so.
 * 5. A message whose writer made its headers unreadable is asked of the leader.
 * 6. What nobody serves or NATS does not permit is not asked again; the other way is gone then, if there is one.
 * 7. A stream that keeps more than one message of a key is read twice: first to know which one is the latest, then for
 *    those.
 *
 * Entries come in no particular order. Numbers in comments below are those of this plan.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus/bus_get_answer.h"
#include "daemon/bus/bus_ranges.h"
#include "daemon/bus/bus_reading.h"
#include "daemon/sync/newest.h"
#include "libdiscover/core/clock.h"

#define BATCH        1000
#define LEADER_MAX   32        /* requests to a leader at once: it answers for everybody */
#define PER_CHAIN    4         /* messages that are worth a chain of their own */
#define KEYS_MAX     (1 << 24) /* nor more than twice as many as messages: a replica that is behind has others */
#define SILENCES_MAX 8
#define ORDER_CAP    96
#define CHAIN_BITS   9
#define PROBE        RANGES_MAX /* stands for a chain: the single message behind the first batch */

enum way { BATCHES, SINGLES, LEADER };
enum doubt { NO_DOUBT, END_DOUBTED, UNREADABLE };
enum access { UNKNOWN, OPEN, CLOSED };

struct chain {
    uint64_t id; /* of its request; 0: none is out */
    bool leader; /* who was asked */
    enum doubt doubt;
    unsigned answers; /* to this request */
};

struct getting {
    struct bus_reading *r;
    enum way way;
    bool proven;  /* batches get here */
    bool batches; /* the server knows them */
    enum access direct, leader;
    unsigned silences;
    struct newest *latest; /* 7.; NULL: the stream keeps one message of a key */
    bool noting;           /* it is read for that alone */
    struct bus_ranges ranges;
    struct chain chain[RANGES_MAX + 1];
};

/* ---- requests ---- */

static const char *verb_of(bool leader)
{
    return leader ? "STREAM.MSG.GET" : "DIRECT.GET";
}

/* The number of a request says to which chain its answer belongs. */
static uint64_t new_id(struct getting *g, size_t i)
{
    return (++*g->r->requests << CHAIN_BITS) + i;
}

static const char *order_of(uint64_t seq, bool batch, char ret_order[static ORDER_CAP])
{
    char size[24] = "";
    if (batch)
        snprintf(size, sizeof size, ",\"batch\":%d", BATCH);
    snprintf(ret_order, ORDER_CAP, "{\"seq\":%" PRIu64 ",\"next_by_subj\":\">\"%s}", seq, size);
    return ret_order;
}

static int request(struct getting *g, size_t i, uint64_t seq, bool batch)
{
    struct bus_reading *r = g->r;
    struct chain *c = &g->chain[i];
    char subject[BUS_SUBJECT_CAP], inbox[BUS_SUBJECT_CAP], order[ORDER_CAP];
    c->id = new_id(g, i);
    c->answers = 0;
    metric_inc(&r->shared->counters.gets);
    snprintf(inbox, sizeof inbox, "%s.pull.%" PRIx64, r->session->inbox, c->id);
    bus_reading_subject(r, verb_of(c->leader), subject);
    natsStatus s = natsConnection_PublishRequestString(r->session->nc, subject, inbox, order_of(seq, batch, order));
    return s == NATS_OK ? 0 : bus_stream_error(s, 0, r->reason);
}

/*
 * 6. Asks once whether the way is open; a server that is merely slow counts as there. It takes a request of its own,
 * because nats.c does not say which request nobody answered.
 */
static bool is_open(struct getting *g, bool leader)
{
    enum access *access = leader ? &g->leader : &g->direct;
    char subject[BUS_SUBJECT_CAP], order[ORDER_CAP];
    natsMsg *msg = NULL;
    if (*access == UNKNOWN && !bus_reading_denied(g->r, verb_of(leader))) {
        bus_reading_subject(g->r, verb_of(leader), subject);
        natsStatus s =
            natsConnection_RequestString(&msg, g->r->session->nc, subject, order_of(g->r->next_seq, false, order),
                                         bus_reading_wait_ns(g->r, 0) / NS_PER_MS);
        natsMsg_Destroy(msg);
        *access = s == NATS_OK || s == NATS_TIMEOUT ? OPEN : CLOSED;
    }
    if (bus_reading_denied(g->r, verb_of(leader)))
        *access = CLOSED;
    return *access == OPEN;
}

/* Sends the chain's next request, if there is work for it. */
static int ask(struct getting *g, size_t i)
{
    struct chain *c = &g->chain[i];
    uint64_t seq;
    bool wanted = g->way == LEADER || c->doubt != NO_DOUBT;
    c->id = 0;
    if (!bus_ranges_next(&g->ranges, i, &seq))
        return 0;
    c->leader = (wanted || !is_open(g, false)) && is_open(g, true);
    if (!c->leader && !is_open(g, false))
        return bus_reading_fail(g->r, -EACCES, "neither consumers nor DIRECT.GET nor STREAM.MSG.GET are served here");
    return request(g, i, seq, g->way == BATCHES && !c->leader);
}

static int ask_all(struct getting *g)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < g->ranges.n; i++)
        err = ask(g, i);
    return err;
}

static size_t chains(const struct getting *g)
{
    size_t wanted = (size_t)(g->r->state->info.messages / PER_CHAIN) + 1;
    size_t most = g->way == LEADER ? LEADER_MAX : g->way == BATCHES ? 1 : RANGES_MAX;
    return wanted < most ? wanted : most;
}

/* Begins with another way, where the last one left off. */
static int go(struct getting *g, enum way way, uint64_t first)
{
    memset(g->chain, 0, sizeof g->chain);
    g->way = way;
    bus_ranges_init(&g->ranges, first, g->r->state->info.last_seq, chains(g));
    return ask_all(g);
}

static int begin(struct getting *g)
{
    struct bus_reading *r = g->r;
    uint64_t first = r->next_seq > r->state->first_seq ? r->next_seq : r->state->first_seq;
    g->direct = r->state->settings.direct ? UNKNOWN : CLOSED;
    int err = go(g, is_open(g, false) ? BATCHES : LEADER, first);
    if (err == 0 && g->way == BATCHES && !bus_ranges_done(&g->ranges))
        err = request(g, PROBE, first, false); /* 1. */
    return err;
}

/* ---- answers ---- */

static bool replicated(const struct getting *g)
{
    return g->r->state->settings.replicas > 1;
}

/* 1.: the answer to the single message. */
static int probe_answered(struct getting *g)
{
    g->chain[PROBE].id = 0;
    if (g->way != BATCHES || g->proven)
        return 0;
    return go(g, replicated(g) && !g->batches && is_open(g, true) ? LEADER : SINGLES,
              bus_ranges_read(&g->ranges)); /* 3., 4. */
}

static int nothing(struct getting *g, size_t i)
{
    struct chain *c = &g->chain[i];
    if (replicated(g) && !c->leader && is_open(g, true)) {
        c->doubt = END_DOUBTED; /* 4. */
        return ask(g, i);
    }
    c->doubt = NO_DOUBT;
    bus_ranges_nothing(&g->ranges, i);
    return ask(g, i);
}

/* 5. */
static int unreadable(struct getting *g, size_t i)
{
    if (!is_open(g, true))
        return bus_reading_fail(g->r, -EACCES,
                                "a message has headers that cannot be read, and STREAM.MSG.GET is not served here");
    g->chain[i].doubt = UNREADABLE;
    return ask(g, i);
}

/* 7. */
static int take_content(struct getting *g, struct bus_get_answer *a)
{
    const struct kv_message *m = &a->m;
    if (g->noting && a->outcome == BUS_GET_MESSAGE)
        return newest_add(g->latest, m->key, m->key_len, m->seq) ? 0 : -ENOMEM;
    if (g->noting)
        return 0;
    if (a->outcome == BUS_GET_FOREIGN)
        metric_inc(&g->r->shared->counters.foreign);
    else if (!g->latest || newest_seq(g->latest, m->key, m->key_len) <= m->seq)
        return bus_reading_add(g->r, &a->m, a->time_ns);
    return 0;
}

static int message(struct getting *g, size_t i, struct bus_get_answer *a)
{
    struct chain *c = &g->chain[i];
    int err = 0;
    if (a->m.seq < g->ranges.range[i].next)
        return bus_reading_fail(g->r, -EIO, "an earlier message than was asked for");
    c->doubt = NO_DOUBT;
    g->batches |= a->batches;
    if (bus_ranges_found(&g->ranges, i, a->m.seq))
        err = take_content(g, a);
    bool more = g->way == BATCHES && !c->leader; /* more answers to the same request follow */
    return err == 0 && !more ? ask(g, i) : err;
}

static int batch_end(struct getting *g, size_t i)
{
    return g->chain[i].answers > 1 ? ask(g, i) : nothing(g, i);
}

static int act(struct getting *g, size_t i, struct bus_get_answer *a)
{
    struct bus_reading *r = g->r;
    switch (a->outcome) {
    case BUS_GET_MESSAGE:
    case BUS_GET_FOREIGN:
        return message(g, i, a);
    case BUS_GET_UNREADABLE:
        metric_inc(&r->shared->counters.unreadable);
        return unreadable(g, i);
    case BUS_GET_NOTHING:
        return nothing(g, i);
    case BUS_GET_BATCH_END:
        return batch_end(g, i);
    case BUS_GET_REFUSED:
        break;
    }
    return bus_reading_fail(r, -EIO, a->reason);
}

/* The chain whose request a message answers, or SIZE_MAX: of one that nobody waits for any more. */
static size_t chain_of(const struct getting *g, natsMsg *msg)
{
    uint64_t id;
    const char *subject = natsMsg_GetSubject(msg);
    size_t prefix = strlen(g->r->session->inbox) + strlen(".pull.");
    if (strlen(subject) <= prefix || !wire_number(subject + prefix, 16, &id))
        return SIZE_MAX;
    size_t i = id & ((1 << CHAIN_BITS) - 1);
    return i <= PROBE && g->chain[i].id == id ? i : SIZE_MAX;
}

static int take(struct getting *g, natsMsg *msg)
{
    struct bus_get_answer a;
    size_t i = chain_of(g, msg);
    if (i == SIZE_MAX)
        return 0;
    g->silences = 0;
    if (++g->chain[i].answers > 1)
        g->proven = true;
    if (i == PROBE)
        return probe_answered(g);
    if (g->chain[i].leader)
        bus_get_leader(msg, g->r->stream, g->r->shared->options.max_value, &a);
    else
        bus_get_direct(msg, g->r->stream, g->r->shared->options.max_value, &a);
    int err = act(g, i, &a);
    bus_get_answer_free(&a);
    return err;
}

/* ---- silence ---- */

/* Requests or their answers got lost. */
static int silent(struct getting *g)
{
    if (++g->silences >= SILENCES_MAX)
        return bus_reading_fail(g->r, -ETIMEDOUT, "the stream's messages do not come");
    if (g->way == BATCHES && !g->proven)
        return probe_answered(g);
    int err = 0;
    for (size_t i = 0; err == 0 && i < g->ranges.n; i++)
        if (g->chain[i].id)
            err = ask(g, i);
    return err;
}

static int next(struct getting *g)
{
    natsMsg *msg = NULL;
    int err = bus_inbox_next(g->r->session->answers, bus_reading_wait_ns(g->r, g->silences), &msg);
    if (err == -ETIMEDOUT)
        return silent(g);
    if (err < 0)
        return bus_reading_fail(g->r, err, "the connection ends");
    err = take(g, msg);
    natsMsg_Destroy(msg);
    return err;
}

static int read_through(struct bus_reading *r, struct newest *latest, bool noting)
{
    struct getting g = {.r = r, .latest = latest, .noting = noting};
    int err = begin(&g);
    while (err == 0 && !bus_ranges_done(&g.ranges)) {
        err = bus_reading_check(r);
        if (err == 0)
            err = next(&g);
    }
    return err;
}

int bus_gets_read(struct bus_reading *r)
{
    uint64_t messages = r->state->info.messages;
    struct newest latest = {.max = messages < KEYS_MAX / 2 ? 2 * messages + 1 : KEYS_MAX};
    if (r->state->settings.max_per_key == 1)
        return read_through(r, NULL, false);
    int err = read_through(r, &latest, true);
    if (err == 0)
        err = read_through(r, &latest, false);
    newest_clear(&latest);
    return err == -ENOMEM ? bus_reading_fail(r, err, "no memory") : err;
}
