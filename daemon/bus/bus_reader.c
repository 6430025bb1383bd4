/* SPDX-License-Identifier: Apache-2.0 */
/* The reader thread: takes orders (read the bucket, ask how far it is) and carries them out one by one. */
#include "daemon/bus/bus_reader.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

/* Both read with the same inbox: no request of a mirror has the number of one that is not. */
#define MIRROR_REQUESTS (UINT64_C(1) << 32)

enum order_kind {
    ORDER_RESYNC,
    ORDER_CHECK,    /* the state alone */
    ORDER_REMEMBER, /* what the mirror has */
    ORDER_LOOK,     /* at the mirror */
    ORDER_MAKE,     /* the mirror */
    ORDERS
};

struct order {
    struct mail mail;
    enum bus_bucket bucket;
    enum order_kind kind;
};

struct bus_reader {
    struct bus_reader_setup setup;
    struct mailbox *orders;
    struct order order[ORDERS][BUS_BUCKETS];
    struct bus_snapshot snapshots[BUS_BUCKETS], of_mirrors[BUS_BUCKETS];
    bool mirror_failed[BUS_BUCKETS];              /* reading it did: the next snapshot is the origin's */
    char mirror_why[BUS_BUCKETS][BUS_REASON_CAP]; /* why it could not be made, as last told */
    sem_t credits;
    atomic_bool stopping;
    bool started;
    struct watchdog *watchdog;
    struct progress progress;
    pthread_t thread;
};

static void say_made(struct bus_reader *r, enum bus_bucket bucket)
{
    char text[BUS_KEY_MAX + 64];
    snprintf(text, sizeof text, "stream %s did not exist: made it", r->setup.streams[bucket].name);
    bus_mail_text(r->setup.box, BUS_MAIL_PROBLEM, bucket, 0, text);
}

static int create(struct bus_reader *r, const struct bus_session *session, enum bus_bucket bucket,
                  char reason[static BUS_REASON_CAP])
{
    if (!r->setup.create) {
        snprintf(reason, BUS_REASON_CAP, "it does not exist, and registry.create is off: run discoverd --init once");
        return -ENOENT;
    }
    char why[BUS_REASON_CAP];
    int err = bus_stream_create(session, &r->setup.streams[bucket], why);
    progress_turn(&r->progress);
    if (err == 0)
        say_made(r, bucket);
    else
        snprintf(reason, BUS_REASON_CAP, "it does not exist and cannot be made: %.*s", BUS_REASON_CAP / 2, why);
    return err;
}

/* Asks for the stream's state; makes it first if there is none and we may. One with dangerous settings is not used. */
static int look(struct bus_reader *r, const struct bus_session *session, enum bus_bucket bucket,
                struct bus_stream_state *ret_state, char reason[static BUS_REASON_CAP])
{
    const struct bus_stream *stream = &r->setup.streams[bucket];
    int err = bus_stream_info(session, stream, ret_state, reason);
    progress_turn(&r->progress);
    if (err == -ENOENT) {
        err = create(r, session, bucket, reason);
        if (err == 0)
            err = bus_stream_info(session, stream, ret_state, reason);
    }
    if (err == 0)
        atomic_store(&r->setup.message_ttl[bucket], ret_state->settings.message_ttl);
    if (err == 0 && ret_state->settings.refused[0]) {
        snprintf(reason, BUS_REASON_CAP, "%s", ret_state->settings.refused);
        err = -ENOTSUP;
    }
    return err;
}

/*
 * SERVICES may be quiet for hours, and its newest message tells nothing of how old the others are. HOSTS never is for
 * longer than a heartbeat: its newest message is a clock.
 */
static void read_clock(struct bus_reader *r, const struct bus_session *session, struct bus_stream_state *state)
{
    char reason[BUS_REASON_CAP];
    struct bus_stream_state hosts;
    if (bus_stream_info(session, &r->setup.streams[BUS_HOSTS], &hosts, reason) == 0 && hosts.now_ns > state->now_ns)
        state->now_ns = hosts.now_ns;
}

static void answer_info(struct bus_reader *r, const struct order *o, int err, const char *reason,
                        const struct bus_stream_state *state)
{
    struct bus_info info = err ? (struct bus_info){.err = err, .reason = reason} : state->info;
    info.lacks = state->settings.lacks;
    bus_mail_info(r->setup.box, o->bucket, o->kind == ORDER_CHECK, &info);
}

/* --- mirrors --- */

static bool has_mirror(const struct bus_reader *r, enum bus_bucket bucket)
{
    return r->setup.mirrors[bucket].stream.name[0];
}

static void tell_mirror(struct bus_reader *r, enum bus_bucket bucket, const struct mirror_mail *news)
{
    bus_mail_mirror(r->setup.box, bucket, news);
}

static void make_missing(struct bus_reader *r, const struct bus_mirror_session *local, enum bus_bucket bucket,
                         const struct bus_stream_state *origin)
{
    char why[BUS_REASON_CAP] = "", text[BUS_REASON_CAP + 96];
    const struct bus_mirror *mirror = &r->setup.mirrors[bucket];
    bool told = bus_mirror_make(local, mirror, origin, false, why) == 0 || strcmp(why, r->mirror_why[bucket]) == 0;
    snprintf(r->mirror_why[bucket], BUS_REASON_CAP, "%s", why);
    if (told)
        return;
    snprintf(text, sizeof text, "the mirror %.64s %s", mirror->stream.name, why);
    bus_mail_text(r->setup.box, BUS_MAIL_PROBLEM, bucket, 0, text);
}

/* How the mirror is; one that is missing is made where we may, for the next one who reads. */
static enum bus_mirror_state find_mirror(struct bus_reader *r, const struct bus_mirror_session *local,
                                         enum bus_bucket bucket, const struct bus_stream_state *origin,
                                         struct bus_stream_state *ret_state)
{
    enum bus_mirror_state found = bus_mirror_look(local, &r->setup.mirrors[bucket], origin, ret_state);
    progress_turn(&r->progress);
    if (found == BUS_MIRROR_MISSING && origin && r->setup.create_mirrors)
        make_missing(r, local, bucket, origin);
    tell_mirror(r, bucket, &(struct mirror_mail){.news = MIRROR_FOUND, .state = found});
    return found;
}

/* False: not by the mirror. */
static bool read_mirror(struct bus_reader *r, struct bus_link *link, const struct bus_session *session,
                        enum bus_bucket bucket, const struct bus_stream_state *origin)
{
    struct bus_mirror_session local;
    struct bus_stream_state state;
    char reason[BUS_REASON_CAP];
    if (!has_mirror(r, bucket) || bus_mirror_begin(session, &r->setup.mirrors[bucket], &local, reason) < 0)
        return false;
    bool valid = find_mirror(r, &local, bucket, origin, &state) == BUS_MIRROR_VALID && !r->mirror_failed[bucket];
    r->mirror_failed[bucket] = false;
    if (valid)
        r->mirror_failed[bucket] = bus_snapshot_read(&r->of_mirrors[bucket], link, &local.session, &state) < 0;
    bus_mirror_end(&local);
    return valid;
}

static void look_at_mirror(struct bus_reader *r, const struct bus_session *session, enum bus_bucket bucket)
{
    struct bus_mirror_session local;
    struct bus_stream_state origin, state;
    char reason[BUS_REASON_CAP];
    if (session && bus_stream_info(session, &r->setup.streams[bucket], &origin, reason) == 0 &&
        bus_mirror_begin(session, &r->setup.mirrors[bucket], &local, reason) == 0) {
        (void)find_mirror(r, &local, bucket, &origin, &state);
        bus_mirror_end(&local);
    }
    tell_mirror(r, bucket, &(struct mirror_mail){.news = MIRROR_LOOKED_AT});
}

/* Leases tell what time it is there; of records alone nobody knows how old they are. */
static void read_mirror_clock(struct bus_reader *r, const struct bus_mirror_session *local,
                              struct bus_stream_state *state)
{
    char reason[BUS_REASON_CAP];
    struct bus_stream_state hosts;
    const struct bus_stream *stream = &r->setup.mirrors[BUS_HOSTS].stream;
    if (bus_stream_info(&local->session, stream, &hosts, reason) == 0 && hosts.last_time_ns > state->now_ns)
        state->now_ns = hosts.last_time_ns;
}

static void remember(struct bus_reader *r, struct bus_link *link, const struct bus_session *session,
                     enum bus_bucket bucket)
{
    struct bus_mirror_session local;
    struct bus_stream_state state = {0};
    char reason[BUS_REASON_CAP];
    int err = session ? bus_mirror_begin(session, &r->setup.mirrors[bucket], &local, reason) : -ENOTCONN;
    if (!err) {
        err = find_mirror(r, &local, bucket, NULL, &state) == BUS_MIRROR_VALID ? 0 : -ENOENT;
        if (!err)
            read_mirror_clock(r, &local, &state);
        struct bus_snapshot snapshot = r->of_mirrors[bucket];
        snapshot.remembers = true;
        if (!err)
            err = bus_snapshot_read(&snapshot, link, &local.session, &state);
        r->of_mirrors[bucket].requests = snapshot.requests;
        bus_mirror_end(&local);
    }
    tell_mirror(r, bucket, &(struct mirror_mail){.news = MIRROR_REMEMBERED, .err = err, .newest_ns = state.now_ns});
}

static void make_mirror(struct bus_reader *r, const struct bus_session *session, enum bus_bucket bucket)
{
    struct mirror_mail news = {.news = MIRROR_MADE, .err = -ENOTCONN};
    struct bus_mirror_session local;
    struct bus_stream_state origin;
    if (session)
        news.err = bus_stream_info(session, &r->setup.streams[bucket], &origin, news.text);
    if (!news.err)
        news.err = bus_mirror_begin(session, &r->setup.mirrors[bucket], &local, news.text);
    if (!news.err) {
        news.err = bus_mirror_make(&local, &r->setup.mirrors[bucket], &origin, true, news.text);
        bus_mirror_end(&local);
    }
    tell_mirror(r, bucket, &news);
}

/* --- orders --- */

static void read_bucket(struct bus_reader *r, struct bus_link *link, const struct bus_session *session,
                        const struct order *o)
{
    char reason[BUS_REASON_CAP] = "not connected";
    struct bus_stream_state state = {0};
    int err = session ? look(r, session, o->bucket, &state, reason) : -ENOTCONN;
    answer_info(r, o, err, reason, &state);
    if (o->kind == ORDER_CHECK)
        return;
    if (err) {
        bus_mail_text(r->setup.box, BUS_MAIL_END, o->bucket, err, reason);
        return;
    }
    if (o->bucket == BUS_SERVICES)
        read_clock(r, session, &state);
    if (!read_mirror(r, link, session, o->bucket, &state))
        (void)bus_snapshot_read(&r->snapshots[o->bucket], link, session, &state);
}

static void carry_out(struct bus_reader *r, const struct order *o)
{
    struct bus_link *link = bus_links_now(r->setup.links);
    const struct bus_session *session = bus_link_use(link);
    if (o->kind == ORDER_REMEMBER)
        remember(r, link, session, o->bucket);
    else if (o->kind == ORDER_LOOK)
        look_at_mirror(r, session, o->bucket);
    else if (o->kind == ORDER_MAKE)
        make_mirror(r, session, o->bucket);
    else
        read_bucket(r, link, session, o);
    if (session)
        bus_link_unuse(link);
}

static void *reader_main(void *arg)
{
    struct bus_reader *r = arg;
    struct pollfd fd = {.fd = mailbox_fd(r->orders), .events = POLLIN};
    while (!atomic_load(&r->stopping)) {
        (void)poll(&fd, 1, PROGRESS_WAIT_NS / NS_PER_MS);
        progress_turn(&r->progress);
        for (struct mail *next, *mail = mailbox_take(r->orders); mail; mail = next) {
            next = mail->next;
            carry_out(r, (struct order *)mail);
        }
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

int bus_reader_new(const struct bus_reader_setup *setup, struct bus_reader **ret_reader)
{
    struct bus_reader *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->setup = *setup;
    sem_init(&r->credits, 0, SNAPSHOT_CREDITS);
    for (int i = 0; i < BUS_BUCKETS; i++) {
        for (int k = 0; k < ORDERS; k++)
            r->order[k][i] = (struct order){.bucket = (enum bus_bucket)i, .kind = (enum order_kind)k};
        r->snapshots[i] = (struct bus_snapshot){
            .stream = &setup->streams[i],
            .bucket = (enum bus_bucket)i,
            .box = setup->box,
            .counters = setup->counters,
            .credits = &r->credits,
            .max_value = setup->max_value,
            .timeout_ns = setup->snapshot_timeout_ns,
            .stall_ns = BUS_REQUEST_TIMEOUT_NS / 2,
            .stopping = &r->stopping,
            .progress = &r->progress,
        };
        r->of_mirrors[i] = r->snapshots[i];
        r->of_mirrors[i].stream = &setup->mirrors[i].stream;
        r->of_mirrors[i].of_mirror = true;
        r->of_mirrors[i].requests = MIRROR_REQUESTS;
    }
    int err = mailbox_new(ORDERS * BUS_BUCKETS + 1, &r->orders);
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

void bus_reader_set_watchdog(struct bus_reader *r, struct watchdog *watchdog)
{
    r->watchdog = watchdog;
}

int bus_reader_start(struct bus_reader *r)
{
    int err = -pthread_create(&r->thread, NULL, reader_main, r);
    if (err == 0)
        (void)pthread_setname_np(r->thread, "bus-read");
    r->started = err == 0;
    if (r->started)
        watchdog_watch(r->watchdog, &r->progress, "bus-read");
    return err;
}

void bus_reader_stop(struct bus_reader *r)
{
    if (!r->started)
        return;
    r->started = false;
    atomic_store(&r->stopping, true);
    sem_post(&r->credits); /* it may wait for one */
    mailbox_wake(r->orders);
    (void)pthread_join(r->thread, NULL);
    watchdog_unwatch(r->watchdog, &r->progress);
}

void bus_reader_resync(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->order[ORDER_RESYNC][bucket].mail);
}

void bus_reader_check(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->order[ORDER_CHECK][bucket].mail);
}

void bus_reader_remember(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->order[ORDER_REMEMBER][bucket].mail);
}

void bus_reader_look_at_mirror(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->order[ORDER_LOOK][bucket].mail);
}

void bus_reader_make_mirror(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->order[ORDER_MAKE][bucket].mail);
}

void bus_reader_credit(struct bus_reader *r)
{
    sem_post(&r->credits);
}
