/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over TCP (RFC 7766): one thread for all listeners and connections. Here are accepting, limits and timeouts; what happens on
 * a connection is in dns_connection.c.
 *
 * A connection may carry any number of queries, one behind the other without waiting; the answers leave in the same
 * order. A client that does not take its answers is not read from until it does, so a connection holds at most one
 * buffer of each direction. Connections are closed when idle, when a message takes too long to arrive or an answer
 * to be taken, when a message cannot be one, and, the idlest first, when others want to connect and there are as many as
 * may be: a newcomer is always served.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/dns/dns_connection.h"
#include "daemon/dns/dns_impl.h"
#include "libdiscover/core/clock.h"

#define EVENTS          64
#define ACCEPTS_AT_ONCE 64
#define WAKE_MS         (PROGRESS_WAIT_NS / NS_PER_MS)
#define DRAIN_NS        (250 * NS_PER_MS)
#define DRAIN_STEP_MS   10

/* An answer of 64 KiB takes some 50 us, and a client may ask for any number of them ahead. */
#define TURN_NS (200 * NS_PER_US)

/* What an event is about: the slot of a connection, or above those, a listener, or the wake-up. */
#define LISTENER_BASE UINT64_C(0x100000000)
#define WAKE          UINT64_MAX

struct dns_tcp {
    struct worker *worker;
    const struct dns_options *options;
    const struct dns_sockets *sockets;
    int epoll_fd, wake_fd;
    struct dns_connection **connections; /* slots */
    uint32_t n;
    int64_t next_sweep_ns; /* no deadline is before this */
    uint8_t replies[DNS_TCP_REPLIES_BYTES];
};

static int watch(struct dns_tcp *t, int operation, int fd, uint32_t events, uint64_t what)
{
    struct epoll_event e = {.events = events, .data.u64 = what};
    return epoll_ctl(t->epoll_fd, operation, fd, &e) < 0 ? -errno : 0;
}

static int watch_listeners(struct dns_tcp *t)
{
    int err = watch(t, EPOLL_CTL_ADD, t->wake_fd, EPOLLIN, WAKE);
    for (size_t i = 0; i < t->sockets->n_tcp && !err; i++)
        err = watch(t, EPOLL_CTL_ADD, t->sockets->tcp[i].fd, EPOLLIN, LISTENER_BASE + i);
    return err;
}

int dns_tcp_new(struct worker *w)
{
    struct dns_tcp *t = w->tcp = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->worker = w;
    t->options = &w->dns->options;
    t->sockets = &w->dns->sockets;
    t->next_sweep_ns = INT64_MAX;
    t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->connections = calloc(t->options->tcp_connections, sizeof(struct dns_connection *));
    if (!t->connections)
        return -ENOMEM;
    return t->epoll_fd < 0 || t->wake_fd < 0 ? -EMFILE : watch_listeners(t);
}

static void close_connection(struct dns_tcp *t, uint32_t slot)
{
    dns_connection_free(t->connections[slot]);
    t->connections[slot] = NULL;
    t->n--;
    metric_set(&t->worker->counters->tcp_connections, t->n);
}

void dns_tcp_free(struct dns_tcp *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->connections && i < t->options->tcp_connections; i++)
        if (t->connections[i])
            close_connection(t, i);
    free(t->connections);
    if (t->epoll_fd >= 0)
        close(t->epoll_fd);
    if (t->wake_fd >= 0)
        close(t->wake_fd);
    free(t);
}

void dns_tcp_wake(struct dns_tcp *t)
{
    const uint64_t one = 1;
    (void)!write(t->wake_fd, &one, sizeof one); /* full means that it is awake */
}

static bool same_client(const union dns_peer *x, const union dns_peer *y)
{
    return dns_peer_same_address(x, y) || (dns_peer_is_loopback(x) && dns_peer_is_loopback(y));
}

static uint32_t connections_of(const struct dns_tcp *t, const union dns_peer *peer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->options->tcp_connections; i++)
        n += t->connections[i] && same_client(&t->connections[i]->peer, peer);
    return n;
}

static uint32_t free_slot(const struct dns_tcp *t)
{
    uint32_t i = 0;
    while (t->connections[i])
        i++;
    return i;
}

/* The connection that has had no answer for longest; of that client, or of all where it is NULL. There is one. */
static uint32_t idlest(const struct dns_tcp *t, const union dns_peer *client)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < t->options->tcp_connections; i++) {
        const struct dns_connection *c = t->connections[i];
        if (!c || (client && !same_client(&c->peer, client)))
            continue;
        if (found == UINT32_MAX || c->active_ns < t->connections[found]->active_ns)
            found = i;
    }
    return found;
}

static void evict(struct dns_tcp *t, uint32_t slot)
{
    dns_count(&t->worker->counters->tcp_evicted);
    close_connection(t, slot);
}

/*
 * Whoever comes is served: where there are as many connections as may be, the idlest makes room, of the same client
 * where that has its share. All users of this machine are one client, so one of them can take the others' idle
 * connections, which they open again, but never keep them out.
 */
static void make_room(struct dns_tcp *t, const union dns_peer *peer)
{
    if (connections_of(t, peer) >= t->options->tcp_per_client)
        evict(t, idlest(t, peer));
    else if (t->n >= t->options->tcp_connections)
        evict(t, idlest(t, NULL));
}

/* RFC 7766 6.2.3: where connections get scarce, idle ones go sooner. */
static struct dns_tcp_times times(const struct dns_tcp *t)
{
    bool scarce = t->n > t->options->tcp_connections / 4 * 3;
    int64_t idle_ns = t->options->tcp_idle_ms * NS_PER_MS, message_ns = t->options->tcp_message_ms * NS_PER_MS;
    return (struct dns_tcp_times){scarce ? idle_ns / 4 : idle_ns, message_ns, TURN_NS};
}

static void expect_deadline(struct dns_tcp *t, const struct dns_connection *c)
{
    if (c->deadline_ns < t->next_sweep_ns)
        t->next_sweep_ns = c->deadline_ns;
}

static void open_connection(struct dns_tcp *t, int fd, const union dns_peer *peer, int64_t now_ns)
{
    struct dns_connection *c;
    uint32_t slot = free_slot(t);
    if (dns_connection_new(fd, peer, &c) < 0)
        return;
    t->connections[slot] = c;
    t->n++;
    c->client.denied = !dns_access_allows(&t->worker->dns->access, peer);
    c->active_ns = now_ns;
    c->deadline_ns = now_ns + times(t).idle_ns;
    expect_deadline(t, c);
    dns_count(&t->worker->counters->tcp_accepted);
    metric_set(&t->worker->counters->tcp_connections, t->n);
    if (watch(t, EPOLL_CTL_ADD, fd, EPOLLIN, slot) < 0)
        close_connection(t, slot);
}

/* Answers are put together before they are sent; the kernel would only wait for the client's acknowledgement. */
static void set_no_delay(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Out of descriptors the listener stays readable: without a pause the thread would spin. */
static void after_accept_error(void)
{
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        nanosleep(&pause, NULL);
}

/*
 * How many connections are accepted at once: so few that none is closed to make room for the next before it had its
 * turn.
 */
static uint32_t accepts_at_once(const struct dns_tcp *t)
{
    uint32_t n = t->options->tcp_per_client < t->options->tcp_connections ? t->options->tcp_per_client
                                                                          : t->options->tcp_connections;
    n = n / 2 < ACCEPTS_AT_ONCE ? n / 2 : ACCEPTS_AT_ONCE;
    return n > 0 ? n : 1;
}

static void accept_some(struct dns_tcp *t, int listener, int64_t now_ns)
{
    for (uint32_t i = 0; i < accepts_at_once(t); i++) {
        union dns_peer peer = {0};
        socklen_t n = sizeof peer;
        int fd = accept4(listener, &peer.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            after_accept_error();
            return;
        }
        make_room(t, &peer);
        set_no_delay(fd);
        open_connection(t, fd, &peer, now_ns);
    }
}

static void serve(struct dns_tcp *t, uint32_t slot, int64_t now_ns)
{
    struct dns_connection *c = t->connections[slot];
    if (!c)
        return;
    bool was_blocked = dns_connection_blocked(c);
    const struct dns_tcp_times limits = times(t);
    if (dns_connection_ready(c, t->worker->responder, t->replies, now_ns, &limits) < 0) {
        close_connection(t, slot);
        return;
    }
    expect_deadline(t, c);
    bool blocked = dns_connection_blocked(c);
    if (blocked != was_blocked && watch(t, EPOLL_CTL_MOD, c->fd, blocked ? EPOLLOUT : EPOLLIN, slot) < 0)
        close_connection(t, slot);
}

static void sweep(struct dns_tcp *t, int64_t now_ns)
{
    if (now_ns < t->next_sweep_ns)
        return;
    t->next_sweep_ns = INT64_MAX;
    for (uint32_t i = 0; i < t->options->tcp_connections; i++) {
        const struct dns_connection *c = t->connections[i];
        if (!c)
            continue;
        if (c->deadline_ns <= now_ns) {
            dns_count(&t->worker->counters->tcp_timeouts);
            close_connection(t, i);
        } else {
            expect_deadline(t, c);
        }
    }
}

static bool is_listener(uint64_t what)
{
    return what >= LISTENER_BASE && what != WAKE;
}

static void handle(struct dns_tcp *t, uint64_t what, int64_t now_ns)
{
    uint64_t wakes;
    if (what == WAKE)
        (void)!read(t->wake_fd, &wakes, sizeof wakes);
    else if (is_listener(what))
        accept_some(t, t->sockets->tcp[what - LISTENER_BASE].fd, now_ns);
    else
        serve(t, (uint32_t)what, now_ns);
}

/* Who is connected goes first: he may have to make room for who is not yet. */
static void handle_all(struct dns_tcp *t, const struct epoll_event *events, int n, int64_t now_ns)
{
    for (int i = 0; i < n; i++)
        if (!is_listener(events[i].data.u64))
            handle(t, events[i].data.u64, now_ns);
    for (int i = 0; i < n; i++)
        if (is_listener(events[i].data.u64))
            handle(t, events[i].data.u64, now_ns);
}

static int wait_ms(const struct dns_tcp *t)
{
    if (t->next_sweep_ns == INT64_MAX)
        return -1;
    int64_t wait_ns = t->next_sweep_ns - clock_now_ns();
    if (wait_ns <= 0)
        return 0;
    return wait_ns > NS_PER_S ? 1000 : (int)(wait_ns / NS_PER_MS) + 1;
}

static void turn(struct dns_tcp *t, int longest_ms)
{
    struct epoll_event events[EVENTS];
    int wait = wait_ms(t);
    int n = epoll_wait(t->epoll_fd, events, EVENTS, wait >= 0 && wait < longest_ms ? wait : longest_ms);
    int64_t now_ns = clock_now_ns();
    progress_turn(&t->worker->progress);
    dns_responder_begin(t->worker->responder, now_ns);
    handle_all(t, events, n, now_ns);
    sweep(t, now_ns);
}

/* Nobody else is let in: where the listener was passed to us, who comes now waits for the next life. */
static void stop_accepting(struct dns_tcp *t)
{
    for (size_t i = 0; i < t->sockets->n_tcp; i++)
        (void)watch(t, EPOLL_CTL_DEL, t->sockets->tcp[i].fd, 0, 0);
}

static bool any_owed(const struct dns_tcp *t)
{
    bool owed = false;
    for (uint32_t i = 0; i < t->options->tcp_connections && !owed; i++)
        owed = t->connections[i] && dns_connection_is_owed(t->connections[i]);
    return owed;
}

/* Whoever was let in gets his answer, if he asks soon. */
static void finish(struct dns_tcp *t)
{
    int64_t until_ns = clock_now_ns() + DRAIN_NS;
    stop_accepting(t);
    while (any_owed(t) && clock_now_ns() < until_ns)
        turn(t, DRAIN_STEP_MS);
}

void dns_tcp_run(struct dns_tcp *t)
{
    while (!atomic_load_explicit(&t->worker->dns->stop, memory_order_relaxed))
        turn(t, WAKE_MS);
    finish(t);
}
