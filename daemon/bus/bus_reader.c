/* SPDX-License-Identifier: Apache-2.0 */
/* The reader thread: takes orders (read the bucket, ask how far it is) and carries them out one by one. */
#include "daemon/bus/bus_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/bus/bus_mirror.h"
#include "daemon/bus/bus_reading.h"
#include "daemon/bus/bus_thread.h"
#include "libdiscover/core/clock.h"

#define CREDITS          8        /* batches of snapshots on their way to main */
#define DELETION_NS      NS_PER_S /* the server has removed a stream by then */
#define DELETION_LOOK_MS 20       /* between looks whether this thread shall stop */

struct order {
    struct mail mail;
    enum bus_order kind;
    enum bus_bucket bucket;
};

struct bus_reader {
    struct bus_shared *shared;
    struct mailbox *orders;
    struct order orders_of[BUS_ORDERS][BUS_BUCKETS];
    uint64_t requests;               /* made by snapshots */
    bool seen[BUS_BUCKETS];          /* the stream was there once */
    bool mirror_failed[BUS_BUCKETS]; /* reading the mirror failed: the next snapshot is read from the origin */
    char mirror_why[BUS_BUCKETS][BUS_REASON_CAP]; /* why it could not be made, as last reported */
    sem_t credits;
    struct bus_thread thread;

    /* of the order that is carried out */
    enum bus_bucket bucket;
    struct bus_link *link;
    const struct bus_session *session; /* of link; NULL: there is no connection */
};

static void report(struct bus_reader *r, const char *what, const char *name, const char *result)
{
    char text[BUS_REASON_CAP + 96];
    snprintf(text, sizeof text, "%s %.80s %s", what, name, result);
    bus_mail_text(r->shared->box, BUS_MAIL_PROBLEM, r->bucket, 0, text);
}

static const struct bus_stream *stream_of(const struct bus_reader *r)
{
    return &r->shared->streams[r->bucket];
}

static int create(struct bus_reader *r, char reason[static BUS_REASON_CAP])
{
    if (!r->shared->options.create) {
        snprintf(reason, BUS_REASON_CAP, "it does not exist, and registry.create is off: run discoverd --init once");
        return -ENOENT;
    }
    char why[BUS_REASON_CAP];
    int err = bus_stream_create(r->session, stream_of(r), why);
    progress_turn(&r->thread.progress);
    if (err == 0)
        report(r, "stream", stream_of(r)->name, "did not exist: made it");
    else
        snprintf(reason, BUS_REASON_CAP, "it does not exist and cannot be made: %.*s", BUS_REASON_CAP / 2, why);
    return err;
}

/*
 * A stream that was there a moment ago may still be on its way out: of one that takes its place at once, nats-server 2.9 removes the
 * folder with that of the old one, and stores nothing any more until it is restarted. And another host may make it meanwhile.
 */
static void let_deletion_end(struct bus_reader *r)
{
    for (int64_t end_ns = clock_now_ns() + DELETION_NS; clock_now_ns() < end_ns && !atomic_load(&r->thread.stopping);) {
        (void)poll(NULL, 0, DELETION_LOOK_MS);
        progress_turn(&r->thread.progress);
    }
}

/* Asks for the stream's state; makes it first if there is none and we may. One with dangerous settings is not used. */
static int look(struct bus_reader *r, struct bus_stream_state *ret_state, char reason[static BUS_REASON_CAP])
{
    const struct bus_stream *stream = stream_of(r);
    int err = bus_stream_info(r->session, stream, ret_state, reason);
    progress_turn(&r->thread.progress);
    if (err == -ENOENT && r->seen[r->bucket] && r->shared->options.create) {
        let_deletion_end(r);
        err = bus_stream_info(r->session, stream, ret_state, reason);
    }
    if (err == -ENOENT) {
        err = create(r, reason);
        if (err == 0)
            err = bus_stream_info(r->session, stream, ret_state, reason);
    }
    r->seen[r->bucket] |= err == 0;
    if (err == 0)
        atomic_store(&r->shared->message_ttl[r->bucket], ret_state->settings.message_ttl);
    if (err == 0 && ret_state->settings.refused[0]) {
        snprintf(reason, BUS_REASON_CAP, "%s", ret_state->settings.refused);
        err = -ENOTSUP;
    }
    return err;
}

/*
 * SERVICES may be quiet for hours, and its newest message says nothing of how old the others are. HOSTS never is for longer
 * than a heartbeat: its newest message is a clock. Of a mirror that alone counts: what else it says is what time it is here.
 */
static void read_clock(const struct bus_session *session, const struct bus_stream *hosts, bool of_mirror,
                       struct bus_stream_state *state)
{
    char reason[BUS_REASON_CAP];
    struct bus_stream_state found;
    if (bus_stream_info(session, hosts, &found, reason) == 0)
        state->now_ns = deadline_later(state->now_ns, of_mirror ? found.info.newest_ns : found.now_ns);
}

/* --- snapshots --- */

/* Posts how far the stream has come meanwhile: what the snapshot does not have up to there comes live. */
static int post_info(struct bus_reading *r)
{
    struct bus_stream_state state;
    int err = bus_stream_info(r->session, r->stream, &state, r->reason);
    state.info.lacks = state.settings.lacks;
    if (r->of_mirror) {
        state.info.created = r->state->info.created;
        state.info.lacks = "";
    }
    if (err == 0)
        bus_mail_info(r->shared->box, r->bucket, &state.info);
    return err;
}

/* Without another way, pulls that are cut go on all the same: each new one begins where the last one ended. */
static int read_all(struct bus_reading *r)
{
    int way = bus_pull_read(r);
    if (way != BUS_WAY_CLOSED && way != BUS_WAY_CUT)
        return way;
    int err = bus_gets_read(r);
    if (err != -EACCES || way == BUS_WAY_CLOSED)
        return err;
    r->only_pulls = true;
    return bus_pull_read(r);
}

static struct bus_reading reading_of(struct bus_reader *r, const struct bus_stream *stream,
                                     const struct bus_session *session, const struct bus_stream_state *state)
{
    return (struct bus_reading){
        .shared = r->shared,
        .stream = stream,
        .bucket = r->bucket,
        .of_mirror = stream != stream_of(r),
        .link = r->link,
        .session = session,
        .state = state,
        .credits = &r->credits,
        .stopping = &r->thread.stopping,
        .progress = &r->thread.progress,
        .requests = &r->requests,
        .deadline_ns = clock_now_ns() + r->shared->options.snapshot_timeout_ns,
        .now_ns = state->now_ns,
        .next_seq = 1,
    };
}

/*
 * Posts what it reads, then an info with the stream's state after that, then the end: without an error when everything up
 * to state's last sequence was read, which is what is returned, too.
 */
static int read_snapshot(struct bus_reading *r)
{
    struct bus_counters *counters = &r->shared->counters;
    int err = read_all(r);
    bus_reading_post(r);
    if (err == 0 && !r->remembers)
        err = post_info(r);
    metric_inc(err ? &counters->snapshot_failures : &counters->snapshots);
    if (!err && r->of_mirror)
        metric_inc(&counters->mirror_snapshots);
    if (!r->remembers)
        bus_mail_text(r->shared->box, BUS_MAIL_END, r->bucket, err, r->reason);
    return err;
}

/* --- mirrors --- */

static const struct bus_mirror *mirror_of(const struct bus_reader *r)
{
    return &r->shared->mirrors[r->bucket];
}

static void make_missing(struct bus_reader *r, const struct bus_session *local, const struct bus_stream_state *origin)
{
    char why[BUS_REASON_CAP] = "", *last = r->mirror_why[r->bucket];
    if (bus_mirror_make(local, mirror_of(r), origin, false, why) != 0 && strcmp(why, last) != 0)
        report(r, "the mirror", mirror_of(r)->stream.name, why);
    snprintf(last, BUS_REASON_CAP, "%s", why);
}

/* How the mirror is; one that is missing is made where we may, for the next one who reads. */
static enum bus_mirror_state find_mirror(struct bus_reader *r, const struct bus_session *local,
                                         const struct bus_stream_state *origin, struct bus_stream_state *ret_state)
{
    enum bus_mirror_state found = bus_mirror_look(local, mirror_of(r), origin, ret_state);
    progress_turn(&r->thread.progress);
    if (found == BUS_MIRROR_MISSING && origin && r->shared->options.create_mirrors)
        make_missing(r, local, origin);
    bus_mail_mirror(r->shared->box, r->bucket, (struct mirror_mail){.order = BUS_ORDERS, .state = found});
    return found;
}

/* Reads the bucket from its mirror. False: that did not work, or there is none to read. */
static bool read_mirror(struct bus_reader *r, const struct bus_stream_state *origin)
{
    bool *failed = &r->mirror_failed[r->bucket];
    struct bus_stream_state state;
    if (!mirror_of(r)->stream.name[0])
        return false;
    const struct bus_session local = bus_mirror_session(r->session, mirror_of(r));
    bool valid = find_mirror(r, &local, origin, &state) == BUS_MIRROR_VALID && !*failed;
    *failed = false;
    if (valid) {
        struct bus_reading reading = reading_of(r, &mirror_of(r)->stream, &local, &state);
        *failed = read_snapshot(&reading) < 0;
    }
    return valid;
}

static void look_at_mirror(struct bus_reader *r)
{
    struct bus_stream_state origin, state;
    char reason[BUS_REASON_CAP];
    if (r->session && bus_stream_info(r->session, stream_of(r), &origin, reason) == 0) {
        const struct bus_session local = bus_mirror_session(r->session, mirror_of(r));
        (void)find_mirror(r, &local, &origin, &state);
    }
    bus_mail_mirror(r->shared->box, r->bucket, (struct mirror_mail){.order = BUS_LOOK_AT_MIRROR});
}

/* Reads what the mirror has, of which nothing else is known. */
static int read_remembered(struct bus_reader *r, struct bus_stream_state *ret_state)
{
    const struct bus_session local = bus_mirror_session(r->session, mirror_of(r));
    if (find_mirror(r, &local, NULL, ret_state) != BUS_MIRROR_VALID)
        return -ENOENT;
    read_clock(&local, &r->shared->mirrors[BUS_HOSTS].stream, true, ret_state);
    struct bus_reading reading = reading_of(r, &mirror_of(r)->stream, &local, ret_state);
    reading.remembers = true;
    return read_snapshot(&reading);
}

static void remember(struct bus_reader *r)
{
    struct bus_stream_state state = {0};
    int err = r->session ? read_remembered(r, &state) : -ENOTCONN;
    bus_mail_mirror(r->shared->box, r->bucket,
                    (struct mirror_mail){.order = BUS_REMEMBER, .err = err, .newest_ns = state.now_ns});
}

static void make_mirror(struct bus_reader *r)
{
    struct mirror_mail news = {.order = BUS_MAKE_MIRROR, .err = -ENOTCONN};
    struct bus_stream_state origin;
    if (r->session)
        news.err = bus_stream_info(r->session, stream_of(r), &origin, news.text);
    if (!news.err) {
        const struct bus_session local = bus_mirror_session(r->session, mirror_of(r));
        news.err = bus_mirror_make(&local, mirror_of(r), &origin, true, news.text);
    }
    bus_mail_mirror(r->shared->box, r->bucket, news);
}

/* --- orders --- */

static void read_bucket(struct bus_reader *r, bool check)
{
    char reason[BUS_REASON_CAP] = "not connected";
    struct bus_stream_state state = {0};
    int err = r->session ? look(r, &state, reason) : -ENOTCONN;
    struct bus_info info = err ? (struct bus_info){.err = err, .reason = reason} : state.info;
    info.lacks = state.settings.lacks;
    info.check = check;
    bus_mail_info(r->shared->box, r->bucket, &info);
    if (check)
        return;
    if (err) {
        bus_mail_text(r->shared->box, BUS_MAIL_END, r->bucket, err, reason);
        return;
    }
    if (r->bucket == BUS_SERVICES)
        read_clock(r->session, &r->shared->streams[BUS_HOSTS], false, &state);
    if (read_mirror(r, &state))
        return;
    struct bus_reading reading = reading_of(r, stream_of(r), r->session, &state);
    (void)read_snapshot(&reading);
}

static void carry_out(struct bus_reader *r, const struct order *o)
{
    r->bucket = o->bucket;
    r->link = atomic_load(&r->shared->link);
    r->session = bus_link_use(r->link);
    if (o->kind == BUS_REMEMBER)
        remember(r);
    else if (o->kind == BUS_LOOK_AT_MIRROR)
        look_at_mirror(r);
    else if (o->kind == BUS_MAKE_MIRROR)
        make_mirror(r);
    else
        read_bucket(r, o->kind == BUS_CHECK);
    if (r->session)
        bus_link_unuse(r->link);
}

static void *reader_main(void *arg)
{
    struct bus_reader *r = arg;
    struct pollfd fd = {.fd = mailbox_fd(r->orders), .events = POLLIN};
    while (!atomic_load(&r->thread.stopping)) {
        (void)poll(&fd, 1, PROGRESS_WAIT_NS / NS_PER_MS);
        progress_turn(&r->thread.progress);
        for (struct mail *mail; (mail = mailbox_next(r->orders));)
            carry_out(r, (struct order *)mail);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

int bus_reader_new(struct bus_shared *shared, struct bus_reader **ret_reader)
{
    struct bus_reader *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->shared = shared;
    sem_init(&r->credits, 0, CREDITS);
    for (int i = 0; i < BUS_BUCKETS; i++)
        for (int k = 0; k < BUS_ORDERS; k++)
            r->orders_of[k][i] = (struct order){.kind = (enum bus_order)k, .bucket = (enum bus_bucket)i};
    int err = mailbox_new(BUS_ORDERS * BUS_BUCKETS + 1, &r->orders);
    if (err < 0) {
        bus_reader_free(r);
        return err;
    }
    *ret_reader = r;
    return 0;
}

void bus_reader_free(struct bus_reader *r)
{
    if (!r)
        return;
    mailbox_free(r->orders);
    sem_destroy(&r->credits);
    free(r);
}

int bus_reader_start(struct bus_reader *r, struct watchdog *watchdog)
{
    return bus_thread_start(&r->thread, "bus-read", reader_main, r, watchdog);
}

void bus_reader_stop(struct bus_reader *r)
{
    atomic_store(&r->thread.stopping, true);
    sem_post(&r->credits); /* the thread may be waiting for a credit */
    bus_thread_stop(&r->thread, r->orders);
}

void bus_reader_order(struct bus_reader *r, enum bus_order order, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->orders_of[order][bucket].mail);
}

void bus_reader_credit(struct bus_reader *r)
{
    sem_post(&r->credits);
}
