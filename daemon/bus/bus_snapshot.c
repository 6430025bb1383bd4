/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded read of a stream. */
#include "daemon/bus/bus_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define PORTION       500             /* messages a pull asks for; two are on their way */
#define PULL_LIFE_NS  (30 * NS_PER_S) /* the server forgets an unanswered pull */
#define INACTIVE_NS   (10 * NS_PER_S) /* the server forgets a consumer nobody pulls from */
#define BATCH_BYTES   (64 * 1024)
#define CONSUMERS_MAX 8 /* without a message in between */
#define PLACINGS_MAX  4 /* of one consumer */
#define STALLS_FIRST  2 /* waits of one length: so often it is rather a dead server than a slow one */
#define STALLS_MAX    8 /* how much longer a wait may get */

struct reading {
    struct bus_snapshot *s;
    struct bus_link *link;
    const struct bus_session *session;
    const struct bus_stream_state *state;
    char reason[BUS_REASON_CAP];
    int64_t deadline_ns;
    struct entries_mail *batch;
    uint64_t next_seq; /* everything below was read */
    uint64_t nth;      /* messages read from this consumer */
    uint64_t pending;  /* messages it still has */
    uint64_t asked;    /* messages it was asked for */
    int64_t stall_ns;  /* without an answer for so long: another consumer */
    unsigned stalls;
    char consumer[64];
};

static int fail(struct reading *r, int err, const char *reason)
{
    snprintf(r->reason, BUS_REASON_CAP, "%s", reason);
    return err;
}

/* ---- batches ---- */

static size_t batch_cap(const struct reading *r)
{
    return BATCH_BYTES + r->s->max_value;
}

static int go_on(struct reading *r)
{
    if (atomic_load(r->s->stopping) || bus_link_closing(r->link))
        return fail(r, -ENOTCONN, "the connection ends");
    return clock_now_ns() > r->deadline_ns ? fail(r, -ETIMEDOUT, "the snapshot took too long") : 0;
}

static int take_credit(struct reading *r)
{
    while (sem_wait(r->s->credits) < 0)
        if (errno != EINTR)
            return -errno;
    return go_on(r);
}

static void post_batch(struct reading *r)
{
    if (!r->batch)
        return;
    metric_add(&r->s->counters->snapshot_entries, r->batch->count);
    mailbox_force(r->s->box, &r->batch->head.mail); /* bounded by the credits */
    r->batch = NULL;
}

static int add(struct reading *r, const struct kv_message *m)
{
    if (r->batch && entries_add(r->batch, BATCH_BYTES, m))
        return 0;
    post_batch(r);
    int err = take_credit(r);
    if (err < 0)
        return err;
    r->batch = malloc(sizeof *r->batch + batch_cap(r));
    if (!r->batch) {
        sem_post(r->s->credits);
        return fail(r, -ENOMEM, "no memory");
    }
    r->batch->head = (struct bus_mail){.kind = BUS_MAIL_ENTRIES, .bucket = (uint8_t)r->s->bucket};
    r->batch->count = r->batch->used = 0;
    (void)entries_add(r->batch, batch_cap(r), m); /* an empty batch has room for any message */
    return 0;
}

/* ---- the consumer ---- */

static void be_patient(struct reading *r)
{
    if (++r->stalls > STALLS_FIRST && r->stall_ns < STALLS_MAX * r->s->stall_ns)
        r->stall_ns *= 2;
}

/*
 * A cluster puts the consumer on one of the stream's servers, by chance, and for a while (server 2.9.10) also on one
 * that is dead, where nobody answers. Another try is put elsewhere: sooner than a whole resync later. But a server that
 * is only slow gets more to do by each try, and a fleet of readers would drown it: after the first tries they wait twice
 * as long each time.
 */
static natsStatus add_consumer(struct reading *r, jsConsumerConfig *config, jsConsumerInfo **ret_ci,
                               jsErrCode *ret_code)
{
    natsStatus s = NATS_TIMEOUT;
    jsOptions options;
    jsOptions_Init(&options);
    for (int i = 0; s == NATS_TIMEOUT && i < PLACINGS_MAX && go_on(r) == 0; i++) {
        options.Wait = r->stall_ns / NS_PER_MS;
        s = js_AddConsumer(ret_ci, r->session->js, r->s->stream->name, config, &options, ret_code);
        if (s == NATS_TIMEOUT)
            be_patient(r);
    }
    return s;
}

static int make_consumer(struct reading *r)
{
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    /*
     * Not "last per subject": the stream has one message a subject anyway, and for that policy a server makes a
     * list of all subjects for each reader (and server 2.9 skips one of it when a pull expires).
     */
    config.DeliverPolicy = r->next_seq > 1 ? js_DeliverByStartSequence : js_DeliverAll;
    config.OptStartSeq = r->next_seq > 1 ? r->next_seq : 0;
    config.AckPolicy = js_AckNone;
    config.InactiveThreshold = INACTIVE_NS;
    config.Replicas = 1;
    config.MemoryStorage = true;
    jsConsumerInfo *ci = NULL;
    jsErrCode code = 0;
    natsStatus s = add_consumer(r, &config, &ci, &code);
    if (s != NATS_OK)
        return bus_stream_error(s, code, r->reason);
    snprintf(r->consumer, sizeof r->consumer, "%s", ci->Name);
    r->pending = ci->NumPending;
    r->nth = r->asked = 0;
    r->s->consumers++;
    jsConsumerInfo_Destroy(ci);
    return 0;
}

/* Left alone it would go too, after INACTIVE_NS. */
static void drop_consumer(struct reading *r)
{
    if (r->consumer[0])
        (void)js_DeleteConsumer(r->session->js, r->s->stream->name, r->consumer, NULL, NULL);
    r->consumer[0] = '\0';
}

static void inbox_of(const struct reading *r, char *ret_subject, size_t cap)
{
    snprintf(ret_subject, cap, "%s.pull.%" PRIu64, r->session->inbox, r->s->consumers);
}

static int pull(struct reading *r)
{
    char subject[512], inbox[256], order[96];
    if (r->asked - r->nth > PORTION / 2)
        return 0;
    inbox_of(r, inbox, sizeof inbox);
    snprintf(subject, sizeof subject, "%s.CONSUMER.MSG.NEXT.%s.%s", r->session->api_prefix, r->s->stream->name,
             r->consumer);
    snprintf(order, sizeof order, "{\"batch\":%d,\"expires\":%" PRId64 "}", PORTION, (int64_t)PULL_LIFE_NS);
    natsStatus s = natsConnection_PublishRequestString(r->session->nc, subject, inbox, order);
    r->asked += PORTION;
    return s == NATS_OK ? 0 : bus_stream_error(s, 0, r->reason);
}

/* ---- messages ---- */

enum { GO_ON, STALLED };

/* Something about the pull, not a message of the stream. */
static int take_status(struct reading *r, natsMsg *msg)
{
    char inbox[256];
    const char *status = NULL;
    inbox_of(r, inbox, sizeof inbox);
    if (strcmp(natsMsg_GetSubject(msg), inbox) != 0)
        return GO_ON; /* of an earlier consumer */
    (void)natsMsgHeader_Get(msg, "Status", &status);
    return status && strcmp(status, "100") != 0 ? STALLED : GO_ON;
}

static int take(struct reading *r, natsMsg *msg)
{
    struct wire_delivery d;
    struct kv_message m;
    if (wire_delivery(natsMsg_GetReply(msg), &d) < 0)
        return take_status(r, msg);
    if (strlen(r->consumer) != d.consumer_len || memcmp(r->consumer, d.consumer, d.consumer_len) != 0)
        return GO_ON;
    if (d.nth != r->nth + 1 || d.seq < r->next_seq)
        return STALLED; /* one got lost: go on behind the last good one */
    r->nth = d.nth;
    r->next_seq = d.seq + 1;
    r->pending = d.pending;
    bus_feed_content(msg, r->s->stream->prefix_len, r->s->max_value, &m);
    m.seq = d.seq;
    m.age_ns = d.time_ns < r->state->last_time_ns ? r->state->last_time_ns - d.time_ns : 0;
    if (m.kind == KV_REFUSED)
        metric_inc(&r->s->counters->values_refused);
    return add(r, &m);
}

static int next(struct reading *r)
{
    natsMsg *msg = NULL;
    natsStatus s = natsSubscription_NextMsg(&msg, r->session->pulls, r->stall_ns / NS_PER_MS);
    if (s == NATS_TIMEOUT) {
        be_patient(r);
        return STALLED;
    }
    if (s != NATS_OK)
        return bus_stream_error(s, 0, r->reason);
    int result = take(r, msg);
    natsMsg_Destroy(msg);
    return result;
}

static bool complete(const struct reading *r)
{
    return r->next_seq > r->state->info.last_seq || r->pending == 0;
}

/* Reads from one consumer until it is through (0, then complete), or stalls (0 too), or fails. */
static int read_some(struct reading *r)
{
    int err = make_consumer(r);
    while (err == GO_ON && !complete(r)) {
        err = go_on(r);
        if (err == 0)
            err = pull(r);
        if (err == 0)
            err = next(r);
    }
    return err < 0 ? err : 0;
}

static int read_all(struct reading *r)
{
    int silent = 0;
    r->pending = r->state->info.messages;
    while (!complete(r)) {
        uint64_t before = r->next_seq;
        int err = read_some(r);
        if (err < 0)
            return err;
        if (complete(r))
            break;
        drop_consumer(r);
        silent = r->next_seq > before ? 0 : silent + 1;
        if (silent >= CONSUMERS_MAX)
            return fail(r, -ETIMEDOUT, "the stream's messages do not come");
        r->pending = UINT64_MAX; /* unknown until the next consumer tells */
    }
    return 0;
}

/* How far the stream has come meanwhile: up to there, what the snapshot does not have comes live. */
static int post_info(struct reading *r)
{
    struct bus_stream_state state;
    int err = bus_stream_info(r->session->js, r->s->stream, NULL, NULL, &state, r->reason);
    if (err == 0)
        bus_mail_info(r->s->box, r->s->bucket, false, &state.info);
    return err;
}

void bus_snapshot_read(struct bus_snapshot *snapshot, struct bus_link *link, const struct bus_session *session,
                       const struct bus_stream_state *state)
{
    struct reading r = {
        .s = snapshot,
        .link = link,
        .session = session,
        .state = state,
        .deadline_ns = clock_now_ns() + snapshot->timeout_ns,
        .next_seq = 1,
        .stall_ns = snapshot->stall_ns,
    };
    int err = read_all(&r);
    post_batch(&r);
    if (err == 0)
        err = post_info(&r);
    metric_inc(err ? &snapshot->counters->snapshot_failures : &snapshot->counters->snapshots);
    bus_mail_text(snapshot->box, BUS_MAIL_END, snapshot->bucket, err, r.reason);
    drop_consumer(&r); /* after the end: main has waited long enough */
}
