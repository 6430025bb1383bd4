/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first way to read a stream: from an ephemeral consumer, in portions. The server sends only what was asked for, so
 * that the memory for a snapshot of any size is bounded, also when main is slow. When the consumer falls silent (its
 * server died, its count was wrong) the next one goes on behind the last message that was read, which is what an
 * ordered consumer does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus/bus_message.h"
#include "daemon/bus/bus_reading.h"
#include "libdiscover/core/clock.h"

#define PORTION       500               /* messages a pull asks for; two are on their way */
#define PULL_LIFE_NS  (30 * NS_PER_S)   /* the server forgets an unanswered pull */
#define INACTIVE_NS   (10 * NS_PER_S)   /* the server forgets a consumer nobody pulls from */
#define CUT_NS        (100 * NS_PER_MS) /* what follows an empty message comes sooner, or not at all */
#define CONSUMERS_MAX 8                 /* without a message in between */
#define PLACINGS_MAX  4                 /* of one consumer */

struct pulling {
    struct bus_reading *r;
    uint64_t nth;     /* messages read from this consumer */
    uint64_t pending; /* messages it still has */
    uint64_t asked;   /* messages it was asked for */
    unsigned stalls;  /* waits in vain */
    bool bare;        /* the last message had neither headers nor a value */
    bool cut;         /* and nothing came behind it */
    char consumer[64];
};

/* ---- the consumer ---- */

/* "<API>.CONSUMER.<what>.<stream>.<consumer>" */
static void subject_of(const struct pulling *p, const char *verb, char ret_subject[static BUS_SUBJECT_CAP])
{
    bus_reading_subject(p->r, verb, ret_subject);
    size_t used = strlen(ret_subject);
    snprintf(ret_subject + used, BUS_SUBJECT_CAP - used, ".%s", p->consumer);
}

static bool denied(const struct pulling *p)
{
    return bus_reading_denied(p->r, "CONSUMER.CREATE");
}

/*
 * A cluster puts the consumer on one of the stream's servers, by chance, and for a while (server 2.9.10) also on one
 * that is dead, where nobody answers. Another try is put elsewhere: sooner than a whole resync later. But a server that
 * is only slow gets more to do by each try, and a fleet of readers would drown it: after the first tries they wait
 * twice as long each time.
 */
static natsStatus add_consumer(struct pulling *p, jsConsumerConfig *config, jsConsumerInfo **ret_ci,
                               jsErrCode *ret_code)
{
    struct bus_reading *r = p->r;
    natsStatus s = NATS_TIMEOUT;
    jsOptions options;
    jsOptions_Init(&options);
    options.Prefix = r->session->api_prefix;
    for (int i = 0; s == NATS_TIMEOUT && i < PLACINGS_MAX && !denied(p) && bus_reading_check(r) == 0; i++) {
        options.Wait = bus_reading_wait_ns(r, p->stalls) / NS_PER_MS;
        s = js_AddConsumer(ret_ci, r->session->js, r->stream->name, config, &options, ret_code);
        p->stalls += s == NATS_TIMEOUT;
    }
    return denied(p) ? NATS_NOT_PERMITTED : s;
}

static void configure(const struct bus_reading *r, jsConsumerConfig *ret_config)
{
    jsConsumerConfig_Init(ret_config);
    /*
     * Not "last per subject": the stream has one message a subject anyway, and for that policy a server makes a
     * list of all subjects for each reader (and server 2.9 skips one of it when a pull expires).
     */
    ret_config->DeliverPolicy = r->next_seq > 1 ? js_DeliverByStartSequence : js_DeliverAll;
    ret_config->OptStartSeq = r->next_seq > 1 ? r->next_seq : 0;
    ret_config->AckPolicy = js_AckNone;
    ret_config->InactiveThreshold = INACTIVE_NS;
    ret_config->Replicas = 1;
    ret_config->MemoryStorage = true;
}

/* Whether it is for want of a right, a service or room that there is no consumer: there are other ways then. */
static bool closed(int err)
{
    return err == -ENODEV || err == -EACCES || err == -EIO;
}

static int make_consumer(struct pulling *p)
{
    struct bus_reading *r = p->r;
    jsConsumerConfig config;
    jsConsumerInfo *ci = NULL;
    jsErrCode code = 0;
    configure(r, &config);
    natsStatus s = add_consumer(p, &config, &ci, &code);
    if (s != NATS_OK) {
        int err = bus_stream_error(s, code, r->reason);
        return closed(err) ? BUS_WAY_CLOSED : err;
    }
    snprintf(p->consumer, sizeof p->consumer, "%s", ci->Name);
    p->pending = ci->NumPending;
    p->nth = p->asked = 0;
    p->bare = false;
    ++*r->requests;
    if (r->bucket == BUS_SERVICES && ci->Created > r->now_ns)
        r->now_ns = ci->Created; /* the server made it just now */
    jsConsumerInfo_Destroy(ci);
    return 0;
}

/* Nobody waits for the answer: left alone the consumer would go too, after INACTIVE_NS. */
static void drop_consumer(struct pulling *p)
{
    char subject[BUS_SUBJECT_CAP], inbox[BUS_SUBJECT_CAP];
    if (!p->consumer[0])
        return;
    subject_of(p, "CONSUMER.DELETE", subject);
    snprintf(inbox, sizeof inbox, "%s.pull.dropped", p->r->session->inbox);
    (void)natsConnection_PublishRequest(p->r->session->nc, subject, inbox, NULL, 0);
    p->consumer[0] = '\0';
}

static void inbox_of(const struct pulling *p, char *ret_subject, size_t cap)
{
    snprintf(ret_subject, cap, "%s.pull.consumer-%" PRIu64, p->r->session->inbox, *p->r->requests);
}

static int pull(struct pulling *p)
{
    char subject[BUS_SUBJECT_CAP], inbox[BUS_SUBJECT_CAP], order[96];
    if (p->asked - p->nth > PORTION / 2)
        return 0;
    inbox_of(p, inbox, sizeof inbox);
    subject_of(p, "CONSUMER.MSG.NEXT", subject);
    snprintf(order, sizeof order, "{\"batch\":%d,\"expires\":%" PRId64 "}", PORTION, (int64_t)PULL_LIFE_NS);
    natsStatus s = natsConnection_PublishRequestString(p->r->session->nc, subject, inbox, order);
    p->asked += PORTION;
    return s == NATS_OK ? 0 : bus_stream_error(s, 0, p->r->reason);
}

/* ---- messages ---- */

enum { GO_ON, STALLED };

/* Something about the pull, not a message of the stream. */
static int take_status(struct pulling *p, natsMsg *msg)
{
    char inbox[BUS_SUBJECT_CAP];
    const char *status = NULL;
    inbox_of(p, inbox, sizeof inbox);
    if (strcmp(natsMsg_GetSubject(msg), inbox) != 0)
        return GO_ON; /* of an earlier consumer */
    (void)natsMsgHeader_Get(msg, "Status", &status);
    return status && strcmp(status, "100") != 0 ? STALLED : GO_ON;
}

static int take(struct pulling *p, natsMsg *msg)
{
    struct bus_reading *r = p->r;
    struct wire_delivery d;
    struct kv_message m;
    if (wire_delivery(natsMsg_GetReply(msg), &d) < 0)
        return take_status(p, msg);
    if (strlen(p->consumer) != d.consumer_len || memcmp(p->consumer, d.consumer, d.consumer_len) != 0)
        return GO_ON;
    if (d.nth != p->nth + 1 || d.seq < r->next_seq)
        return STALLED; /* one got lost: go on behind the last good one */
    p->nth = d.nth;
    r->next_seq = d.seq + 1;
    p->pending = d.pending;
    p->bare = bus_message_bare(msg);
    if (bus_message_pulled(msg, r->stream, r->shared->options.max_value, &m) != BUS_MESSAGE_OK) {
        metric_inc(&r->shared->counters.foreign);
        return GO_ON;
    }
    m.seq = d.seq;
    return bus_reading_add(r, &m, d.time_ns);
}

/*
 * Where answers come through an import of another account, a message without headers and a value ends them: the
 * server takes it for the end. Whoever puts one stops every pull that meets it.
 */
static int next(struct pulling *p)
{
    natsMsg *msg = NULL;
    int64_t wait_ns = p->bare ? CUT_NS : bus_reading_wait_ns(p->r, p->stalls);
    int err = bus_inbox_next(p->r->session->answers, wait_ns, &msg);
    if (err == -ETIMEDOUT) {
        p->cut = p->bare;
        p->stalls += !p->bare;
        return STALLED;
    }
    if (err < 0)
        return bus_reading_fail(p->r, err, "the connection ends");
    int result = take(p, msg);
    natsMsg_Destroy(msg);
    return result;
}

static bool complete(const struct pulling *p)
{
    return p->r->next_seq > p->r->state->info.last_seq || p->pending == 0;
}

/* Reads from one consumer until it is through (0, then complete), or stalls (0 too), or fails. */
static int read_some(struct pulling *p)
{
    int err = make_consumer(p);
    if (err == BUS_WAY_CLOSED)
        return err;
    while (err == GO_ON && !complete(p)) {
        err = bus_reading_check(p->r);
        if (err == 0)
            err = pull(p);
        if (err == 0)
            err = next(p);
    }
    return err < 0 ? err : 0;
}

static int read_all(struct pulling *p)
{
    struct bus_reading *r = p->r;
    int silent = 0;
    while (!complete(p)) {
        uint64_t before = r->next_seq;
        int err = read_some(p);
        if (err != 0)
            return err;
        if (complete(p))
            break;
        if (p->cut && !r->only_pulls)
            return BUS_WAY_CUT;
        drop_consumer(p);
        silent = r->next_seq > before ? 0 : silent + 1;
        if (silent >= CONSUMERS_MAX)
            return bus_reading_fail(r, -ETIMEDOUT, "the stream's messages do not come");
        p->pending = UINT64_MAX; /* unknown until the next consumer reports it */
    }
    return 0;
}

int bus_pull_read(struct bus_reading *r)
{
    struct pulling p = {.r = r, .pending = r->state->info.messages};
    int err = read_all(&p);
    drop_consumer(&p);
    return err;
}
