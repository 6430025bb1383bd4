/* SPDX-License-Identifier: Apache-2.0 */
/* The bus thread: connects, writes puts, moves to another server or waits after a loss, and begins anew. */
#include "daemon/bus/bus_publisher.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_thread.h"
#include "libdiscover/core/backoff.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

#define BACKOFF_FIRST_NS (100 * NS_PER_MS)
#define LOOK_NS          NS_PER_S          /* how late an overdue put that main wrote itself may be noticed */
#define RENEW_AGAIN_NS   (5 * NS_PER_S)    /* the new access does not work: the old one still serves */
#define MOVE_AGAIN_NS    (500 * NS_PER_MS) /* no other server is there: the old one still serves */
#define RETIRE_NS        (2 * NS_PER_S)    /* a message may be under way, a snapshot come to its end */
#define PUTS_END_NS      NS_PER_S
#define PUTS_LOOK_MS     2
#define MESSAGES_MAX     512 /* that wait to be written */
#define MESSAGES_AT_ONCE 16  /* of them in a row, before puts are looked for */
/* nats.c tries each server that it knows of, for as long as bus_timeout says: many of them may hang. */
#define CONNECT_LONGEST_NS (300 * NS_PER_S)

#define STEADY_NS (4 * NS_PER_S) /* a connection that held so long makes the next back-off start anew */

struct bus_publisher {
    struct bus_shared *shared;
    struct mailbox *orders;   /* puts */
    struct mailbox *messages; /* what else is to be published */
    struct bus_access *access;
    _Atomic(struct bus_access *) next_access; /* set by main, not taken yet; NULL */
    uint64_t fingerprint;                     /* of access, as the connection in use was made */
    bool renewing, servers_changed;           /* a move is wanted because of access; it names other servers */
    _Atomic size_t waiting; /* orders that are not written yet: a put at once must not overtake them */
    struct bus_cluster cluster;
    struct bus_link *retiring;  /* has been left, and is closed at retire_ns; NULL */
    int64_t move_ns, retire_ns; /* when to try that; INT64_MAX: never */
    struct backoff backoff;
    char last_failure[BUS_REASON_CAP];
    struct bus_thread thread;
};

static struct bus_link *link_of(const struct bus_publisher *w)
{
    return atomic_load(&w->shared->link);
}

static struct bus_link *spare_of(const struct bus_publisher *w)
{
    return w->shared->links[w->shared->links[0] == link_of(w)];
}

/* Those that are there: what comes meanwhile must not keep it from all else. */
static void write_all(struct bus_publisher *w)
{
    for (struct mail *next, *mail = mailbox_take(w->orders); mail; mail = next) {
        next = mail->next;
        bus_link_put(link_of(w), (struct bus_put *)mail);
        atomic_fetch_sub(&w->waiting, 1);
    }
}

static void refuse_all(struct bus_publisher *w)
{
    for (struct mail *mail; (mail = mailbox_next(w->orders)); atomic_fetch_sub(&w->waiting, 1))
        bus_puts_post(w->shared->puts, (struct bus_put *)mail, -ENOTCONN, "not connected", 0);
}

/* Some of them: puts that come meanwhile go first. */
static void publish_some(struct bus_publisher *w, size_t max)
{
    struct mail *mail;
    for (; max > 0 && (mail = mailbox_next(w->messages)); max--) {
        bus_link_publish(link_of(w), (struct publish_mail *)mail);
        free(mail);
    }
    if (max == 0)
        mailbox_wake(w->messages);
}

static void drop_messages(struct bus_publisher *w)
{
    for (struct mail *mail; (mail = mailbox_next(w->messages)); free(mail))
        metric_inc(&w->shared->counters.publish_failures);
}

/* Returns when there is something in fds, or at the deadline, or when it is time to show that we get on. */
static void wait_until(struct bus_publisher *w, struct pollfd *fds, nfds_t n, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_now_ns();
    if (left_ns > PROGRESS_WAIT_NS)
        left_ns = PROGRESS_WAIT_NS;
    (void)poll(fds, n, left_ns <= 0 ? 0 : (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
    progress_turn(&w->thread.progress);
}

/* Reported when it changes: while a server is away, each try fails in the same way. */
static void report_failure(struct bus_publisher *w, const char *what, const char *reason)
{
    metric_inc(&w->shared->counters.connect_failures);
    if (strcmp(reason, w->last_failure) == 0)
        return;
    snprintf(w->last_failure, sizeof w->last_failure, "%s", reason);
    char text[BUS_REASON_CAP + 96];
    snprintf(text, sizeof text, "%s%s", what, reason);
    bus_mail_text(w->shared->box, BUS_MAIL_PROBLEM, 0, 0, text);
}

/* ---- what to connect by ---- */

static void take_access(struct bus_publisher *w)
{
    struct bus_access *next = atomic_exchange(&w->next_access, NULL);
    if (!next)
        return;
    w->servers_changed |= !bus_access_same_servers(w->access, next);
    bus_access_free(w->access);
    w->access = next;
    w->renewing = bus_access_fingerprint(w->access) != w->fingerprint;
    if (w->renewing)
        w->move_ns = clock_now_ns();
}

/* The fingerprint is taken before the files are read: a change in between then shows the next time. */
static int open_link(struct bus_publisher *w, struct bus_link *link, char ret_reason[static BUS_REASON_CAP])
{
    uint64_t fingerprint = bus_access_fingerprint(w->access);
    progress_away(&w->thread.progress, CONNECT_LONGEST_NS);
    int err = bus_link_open(link, w->access, &w->cluster, ret_reason);
    progress_back(&w->thread.progress);
    if (err == 0)
        w->fingerprint = fingerprint;
    return err;
}

/* ---- moving to another server ---- */

/*
 * Waits for the results of the puts that are out, so that no put over the next connection overtakes one over this one:
 * puts of one key have an order.
 */
static void let_puts_end(struct bus_publisher *w)
{
    int64_t until_ns = clock_now_ns() + PUTS_END_NS;
    while (bus_puts_expire(w->shared->puts, clock_now_ns()) != INT64_MAX && clock_now_ns() < until_ns)
        (void)poll(NULL, 0, PUTS_LOOK_MS);
}

static void retire(struct bus_publisher *w)
{
    if (w->retiring)
        (void)bus_link_close(w->retiring);
    w->retiring = NULL;
    w->retire_ns = INT64_MAX;
}

static int open_spare(struct bus_publisher *w, char ret_reason[static BUS_REASON_CAP])
{
    retire(w); /* if it still serves an earlier move */
    if (w->servers_changed)
        bus_cluster_forget(&w->cluster); /* the cluster that is left may be another one */
    return open_link(w, spare_of(w), ret_reason);
}

/* Other servers may be those of another cluster: main begins anew with what is there. */
static void report_moved(struct bus_publisher *w)
{
    if (w->servers_changed) {
        bus_mail_text(w->shared->box, BUS_MAIL_DISCONNECTED, 0, 0, "nats.servers has changed");
        bus_mail_text(w->shared->box, BUS_MAIL_CONNECTED, 0, 0, w->cluster.last);
    } else {
        bus_mail_text(w->shared->box, BUS_MAIL_MOVED, 0, w->renewing, w->cluster.last);
    }
    w->renewing = w->servers_changed = false;
}

static void stay(struct bus_publisher *w, const char *reason)
{
    report_failure(w,
                   w->renewing
                       ? "cannot connect by what the configuration says now, and stays with the connection it has: "
                       : "the server is about to stop, and there is no other: ",
                   reason);
    w->move_ns = clock_now_ns() + (w->renewing ? RENEW_AGAIN_NS : MOVE_AGAIN_NS);
}

static void move(struct bus_publisher *w)
{
    char reason[BUS_REASON_CAP];
    struct bus_link *before = link_of(w);
    if (open_spare(w, reason) < 0) {
        stay(w, reason);
        return;
    }
    atomic_fetch_add(&w->waiting, 1); /* from now on main writes none itself */
    let_puts_end(w);
    atomic_store(&w->shared->link, spare_of(w));
    atomic_fetch_sub(&w->waiting, 1);
    w->last_failure[0] = '\0';
    w->retiring = before;
    w->retire_ns = clock_now_ns() + RETIRE_NS;
    w->move_ns = INT64_MAX;
    metric_inc(&w->shared->counters.moves);
    report_moved(w);
}

/* ---- serving ---- */

static int64_t next_look_ns(struct bus_publisher *w)
{
    int64_t now_ns = clock_now_ns();
    int64_t next_ns = bus_puts_expire(w->shared->puts, now_ns);
    next_ns = next_ns < now_ns + LOOK_NS ? next_ns : now_ns + LOOK_NS;
    next_ns = w->move_ns < next_ns ? w->move_ns : next_ns;
    return w->retire_ns < next_ns ? w->retire_ns : next_ns;
}

/* Until the connection is lost, or it is time to stop. */
static void serve(struct bus_publisher *w)
{
    while (!atomic_load(&w->thread.stopping)) {
        struct bus_link *link = link_of(w);
        struct pollfd fds[] = {
            {.fd = mailbox_fd(w->orders), .events = POLLIN},
            {.fd = bus_link_news_fd(link), .events = POLLIN},
            {.fd = mailbox_fd(w->messages), .events = POLLIN},
        };
        wait_until(w, fds, 3, next_look_ns(w));
        enum bus_link_news news = fds[1].revents ? bus_link_news(link) : BUS_LINK_NONE;
        if (news == BUS_LINK_LOST)
            return;
        take_access(w);
        if (news == BUS_LINK_LAME || clock_now_ns() >= w->move_ns)
            move(w);
        if (clock_now_ns() >= w->retire_ns)
            retire(w);
        write_all(w);
        publish_some(w, MESSAGES_AT_ONCE);
    }
    publish_some(w, MESSAGES_MAX);
}

static void pause_for(struct bus_publisher *w, int64_t pause_ns)
{
    struct pollfd fd = {.fd = mailbox_fd(w->orders), .events = POLLIN};
    int64_t until_ns = clock_now_ns() + pause_ns;
    while (!atomic_load(&w->thread.stopping) && !atomic_load(&w->next_access) && clock_now_ns() < until_ns) {
        wait_until(w, &fd, 1, until_ns);
        refuse_all(w);
    }
}

static int64_t next_pause_ns(struct bus_publisher *w)
{
    backoff_set_max(&w->backoff, bus_link_longest_pause_ns(link_of(w)));
    return backoff_next(&w->backoff, (uint32_t)entropy_64());
}

static int open_first(struct bus_publisher *w, char ret_reason[static BUS_REASON_CAP])
{
    take_access(w);
    if (w->servers_changed)
        bus_cluster_forget(&w->cluster);
    w->renewing = w->servers_changed = false;
    return open_link(w, link_of(w), ret_reason);
}

/* One connection from beginning to end. */
static void session(struct bus_publisher *w)
{
    char reason[BUS_REASON_CAP];
    int err = open_first(w, reason);
    if (err < 0) {
        report_failure(w, "cannot connect: ", reason);
        return;
    }
    int64_t since_ns = clock_now_ns();
    w->last_failure[0] = '\0';
    metric_inc(&w->shared->counters.connects);
    bus_mail_text(w->shared->box, BUS_MAIL_CONNECTED, 0, 0, w->cluster.last);
    w->move_ns = w->retire_ns = INT64_MAX;
    serve(w);
    drop_messages(w);
    const char *lost = bus_link_close(link_of(w));
    retire(w);
    bus_puts_fail(w->shared->puts, NULL, false, -ENOTCONN, "the connection was lost before the answer came");
    metric_inc(&w->shared->counters.disconnects);
    bus_mail_text(w->shared->box, BUS_MAIL_DISCONNECTED, 0, 0, lost);
    if (clock_now_ns() - since_ns > STEADY_NS)
        backoff_reset(&w->backoff);
}

static void *publisher_main(void *arg)
{
    struct bus_publisher *w = arg;
    while (!atomic_load(&w->thread.stopping)) {
        session(w);
        if (!atomic_load(&w->thread.stopping))
            pause_for(w, next_pause_ns(w));
    }
    refuse_all(w);
    nats_ReleaseThreadMemory();
    return NULL;
}

int bus_publisher_new(struct bus_shared *shared, struct bus_access *access, struct bus_publisher **ret_publisher)
{
    struct bus_publisher *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->shared = shared;
    backoff_init(&w->backoff, BACKOFF_FIRST_NS, BACKOFF_FIRST_NS);
    int err = mailbox_new(shared->options.max_puts, &w->orders);
    if (err == 0)
        err = mailbox_new(MESSAGES_MAX, &w->messages);
    if (err < 0) {
        mailbox_free(w->orders);
        free(w);
        return err;
    }
    w->access = access;
    *ret_publisher = w;
    return 0;
}

void bus_publisher_free(struct bus_publisher *w)
{
    if (!w)
        return;
    drop_messages(w);
    mailbox_free(w->messages);
    mailbox_free(w->orders);
    bus_cluster_forget(&w->cluster);
    bus_access_free(w->access);
    bus_access_free(atomic_load(&w->next_access));
    free(w);
}

int bus_publisher_start(struct bus_publisher *w, struct watchdog *watchdog)
{
    return bus_thread_start(&w->thread, "bus", publisher_main, w, watchdog);
}

void bus_publisher_stop(struct bus_publisher *w)
{
    bus_thread_stop(&w->thread, w->orders);
}

void bus_publisher_set_access(struct bus_publisher *w, struct bus_access *access)
{
    bus_access_free(atomic_exchange(&w->next_access, access));
    mailbox_wake(w->orders);
}

void bus_publisher_put(struct bus_publisher *w, struct bus_put *put)
{
    if (atomic_load(&w->waiting) == 0 && bus_link_put_now(link_of(w), put))
        return;
    atomic_fetch_add(&w->waiting, 1);
    mailbox_force(w->orders, &put->head.mail);
}

int bus_publisher_publish(struct bus_publisher *w, struct publish_mail *mail)
{
    return mailbox_post(w->messages, &mail->mail);
}
