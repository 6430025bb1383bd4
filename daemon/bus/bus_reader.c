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

struct order {
    struct mail mail;
    enum bus_bucket bucket;
    bool check; /* the state alone */
};

struct bus_reader {
    struct bus_reader_setup setup;
    struct mailbox *orders;
    struct order check[BUS_BUCKETS], resync[BUS_BUCKETS];
    struct bus_snapshot snapshots[BUS_BUCKETS];
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
    bus_mail_info(r->setup.box, o->bucket, o->check, &info);
}

static void carry_out(struct bus_reader *r, const struct order *o)
{
    char reason[BUS_REASON_CAP] = "not connected";
    struct bus_stream_state state = {0};
    struct bus_link *link = bus_links_now(r->setup.links);
    const struct bus_session *session = bus_link_use(link);
    int err = session ? look(r, session, o->bucket, &state, reason) : -ENOTCONN;
    answer_info(r, o, err, reason, &state);
    if (!o->check && err == 0 && o->bucket == BUS_SERVICES)
        read_clock(r, session, &state);
    if (!o->check && err == 0)
        bus_snapshot_read(&r->snapshots[o->bucket], link, session, &state);
    else if (!o->check)
        bus_mail_text(r->setup.box, BUS_MAIL_END, o->bucket, err, reason);
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
        r->check[i] = (struct order){.bucket = (enum bus_bucket)i, .check = true};
        r->resync[i] = (struct order){.bucket = (enum bus_bucket)i};
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
    }
    int err = mailbox_new(2 * BUS_BUCKETS + 1, &r->orders);
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
    mailbox_force(r->orders, &r->resync[bucket].mail);
}

void bus_reader_check(struct bus_reader *r, enum bus_bucket bucket)
{
    mailbox_force(r->orders, &r->check[bucket].mail);
}

void bus_reader_credit(struct bus_reader *r)
{
    sem_post(&r->credits);
}
