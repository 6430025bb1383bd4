/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface: listens, accepts connections, and keeps to the limits on them. */
#include <errno.h>
#include <fcntl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/address_text.h"
#include "daemon/base/listen_address.h"
#include "daemon/base/loop_meter.h"
#include "daemon/base/peer_owner.h"
#include "daemon/http/http_impl.h"
#include "libdiscover/core/clock.h"

#define BACKLOG 512
/* connections accepted in one turn: libevent by itself goes on as long as there are any */
#define ACCEPTS         8
#define ACCEPT_PAUSE_NS NS_PER_S /* pause when there are no descriptors left */

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 1\r\n"
                           "Connection: close\r\n\r\ntoo many connections (limits.http_clients, "
                           "limits.http_clients_per_user)\n";

static bool is_idle(const struct connection *c)
{
    return c->state == READING && !c->begun && c->served;
}

/* The connection that has been idle for longest, of this owner (NULL: of any). */
static struct connection *idlest(const struct http *h, const struct share_owner *owner)
{
    struct connection *idle = NULL;
    for (struct connection *c = h->connections; c; c = c->next)
        if (is_idle(c) && (!owner || memcmp(&c->share->owner, owner, sizeof *owner) == 0) &&
            (!idle || c->quiet_ns < idle->quiet_ns))
            idle = c;
    return idle;
}

/* The oldest connection of the user, or the address, that has the most of them. */
static struct connection *most_dispensable(const struct http *h)
{
    struct connection *most = NULL;
    for (struct connection *c = h->connections; c; c = c->next)
        if (!c->share_of_held && !c->share->trusted && (!most || c->share->n > most->share->n))
            most = c;
    return most;
}

/*
 * Closes a connection to make room, when the owner has all he may have, or all places are taken: an idle one, which its
 * client takes for no failure; or else, if all are taken, one of an owner who has more than the newcomer would have.
 */
static bool make_room(struct http *h, const struct share_owner *owner, bool all_taken)
{
    struct connection *other = idlest(h, all_taken ? NULL : owner);
    if (!other && all_taken)
        other = most_dispensable(h);
    if (!other || (!is_idle(other) && other->share->n < shares_of(&h->shares, owner) + 2))
        return false;
    metric_inc(&h->metrics.displaced);
    http_connection_close(other);
    return true;
}

static void take(struct http *h, int sock)
{
    struct share_owner owner;
    struct share *share;
    uid_t uid;
    peer_owner(h->diag, sock, &owner, &uid);
    bool trusted = uid == 0 || uid == geteuid();
    int err = shares_take(&h->shares, &owner, trusted, &share);
    if ((err == -ENOSPC || err == -EDQUOT) && make_room(h, &owner, err == -ENOSPC))
        err = shares_take(&h->shares, &owner, trusted, &share);
    if (err == 0) {
        http_connection_new(h, sock, share);
        return;
    }
    metric_inc(&h->metrics.limited);
    /* it fits into the buffer of a fresh socket */
    (void)send(sock, busy, sizeof busy - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(sock);
}

int http_share_move(struct connection *c, bool to_held)
{
    struct http *h = c->http;
    struct shares *from = to_held ? &h->shares : &h->held_shares, *to = to_held ? &h->held_shares : &h->shares;
    struct share *share;
    int err = shares_take(to, &c->share->owner, c->share->trusted, &share);
    if (err)
        return err;
    shares_give(from, c->share);
    c->share = share;
    c->share_of_held = to_held;
    return 0;
}

static void pause_for(struct http *h, int64_t pause_ns)
{
    int64_t now_ns = clock_now_ns();
    evconnlistener_disable(h->listener);
    loop_timer_arm(&h->accept_again, now_ns + pause_ns, now_ns);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t sock, struct sockaddr *address, int n, void *arg)
{
    struct http *h = arg;
    (void)listener, (void)address, (void)n;
    loop_meter_enter();
    take(h, sock);
    if (++h->accepted >= ACCEPTS)
        pause_for(h, 0);
    loop_meter_leave();
}

/* Most likely no descriptors are left. The connection stays in the queue, so without a pause this would spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct http *h = arg;
    (void)listener;
    metric_inc(&h->metrics.accept_errors);
    pause_for(h, ACCEPT_PAUSE_NS);
}

static void on_accept_again(void *arg)
{
    struct http *h = arg;
    h->accepted = 0;
    evconnlistener_enable(h->listener);
}

/* Binds also to an address that this host does not have yet. */
static int bind_at(const char *text, int *ret_sock)
{
    struct sockaddr_storage address;
    socklen_t n;
    const int on = 1, off = 0;
    int err = address_parse(text, &address, &n);
    if (err)
        return err;
    int sock = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return -errno;
    if (address.ss_family == AF_INET6)
        (void)setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off); /* whatever the machine's default is */
    err = listen_address_may_be_absent(sock, address.ss_family);
    if (!err && (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
                 bind(sock, (const struct sockaddr *)&address, n) < 0))
        err = -errno;
    if (err)
        close(sock);
    else
        *ret_sock = sock;
    return err;
}

static int take_inherited(int fd, int *ret_sock)
{
    int sock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (sock < 0 || fcntl(sock, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    *ret_sock = sock;
    return 0;
}

static int listen_at(struct http *h)
{
    bool inherited = h->options.inherited > 0;
    int sock = -1;
    int err = inherited ? take_inherited(h->options.inherited, &sock) : bind_at(h->options.listen, &sock);
    if (err)
        return err;
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    h->listener = evconnlistener_new(h->base, on_accept, h, flags, inherited ? 0 : BACKLOG, sock);
    if (!h->listener) {
        err = errno ? -errno : -ENOMEM;
        close(sock);
        return err;
    }
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    return 0;
}

int http_listen(struct http *h)
{
    shares_init(&h->shares, h->options.connections_max, h->options.per_user_max, h->options.reserve);
    shares_init(&h->held_shares, h->options.held_max, h->options.held_max / 2, h->options.reserve);
    h->diag = peer_owner_open();
    int err = loop_timer_init(&h->accept_again, h->base, on_accept_again, h);
    return err ? err : listen_at(h);
}

void http_stop_accepting(struct http *h)
{
    loop_timer_arm(&h->accept_again, INT64_MAX, 0);
    evconnlistener_disable(h->listener);
}

/* Clients that wait for a change, or have a stream, are owed nothing: they ask again. */
static bool is_owed(const struct connection *c)
{
    if (c->state == READING)
        return c->begun || !c->served;
    return c->state != HELD && c->state != STREAMING && c->state != DRAINING;
}

bool http_is_owed(const struct http *h)
{
    for (const struct connection *c = h->connections; c; c = c->next)
        if (is_owed(c))
            return true;
    return false;
}

void http_listen_stop(struct http *h)
{
    if (h->listener)
        evconnlistener_free(h->listener);
    loop_timer_fini(&h->accept_again);
    shares_fini(&h->shares);
    shares_fini(&h->held_shares);
    if (h->diag >= 0)
        close(h->diag);
}
