/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the sockets, and taking over inherited ones. */
#include "daemon/dns/dns_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/base/listen_address.h"
#include "libdiscover/core/clock.h"

/* Bursts wait here while a worker is busy or not scheduled: thousands of queries. */
#define RECEIVE_BYTES (4 << 20)
#define BACKLOG       256
#define PORT_TRIES    16

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static void set_path_mtu(int fd, int family, int ipv4_value, int ipv6_value)
{
    if (family == AF_INET6)
        (void)set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, ipv6_value);
    else
        (void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, ipv4_value);
}

/* Never less than whoever passed the socket gave it: it may do what we may not (ReceiveBuffer= of systemd.socket(5)). */
static void make_room(int fd)
{
    int bytes = 0;
    socklen_t n = sizeof bytes;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &n) == 0 && bytes >= RECEIVE_BYTES)
        return;
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES) < 0)
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
}

/*
 * RFC 9715 3.1: no fragments, and no belief in a path MTU that anybody could have forged; answers off loopback are
 * small enough for any path. (It is also cheaper: the kernel need not find a number for fragments to share.)
 */
static void tune_udp(int fd, int family)
{
    struct timeval wake = {DNS_WAKE_NS / NS_PER_S, DNS_WAKE_NS % NS_PER_S / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake);
    make_room(fd);
    set_path_mtu(fd, family, IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE);
}

void dns_socket_allow_fragments(const struct dns_socket *s)
{
    set_path_mtu(s->fd, s->address.any.sa_family, IP_PMTUDISC_OMIT, IPV6_PMTUDISC_OMIT);
}

/* On a wildcard address each query comes with the address it was sent to, and its reply leaves from there (RFC 2181 4.1). */
static int ask_for_address(const struct dns_socket *s)
{
    if (!dns_peer_is_wildcard(&s->address))
        return 0;
    if (s->address.any.sa_family == AF_INET6)
        return set(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return set(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static bool same_address(const union dns_peer *x, const union dns_peer *y)
{
    return dns_peer_port(x) == dns_peer_port(y) && dns_peer_same_address(x, y);
}

static int learn_address(struct dns_socket *s)
{
    socklen_t n = sizeof s->address;
    return getsockname(s->fd, &s->address.any, &n) < 0 ? -errno : 0;
}

static int bind_socket(int type, const union dns_peer *address, bool share, int *ret_fd)
{
    int family = address->any.sa_family;
    socklen_t n = family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = 0;
    if (family == AF_INET6)
        err = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!err && type & SOCK_STREAM)
        err = set(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* connections of a life before may linger */
    if (!err && share)
        err = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!err)
        err = listen_address_may_be_absent(fd, family);
    if (!err && bind(fd, &address->any, n) < 0)
        err = -errno;
    if (err)
        close(fd);
    else
        *ret_fd = fd;
    return err;
}

static int open_tcp(const union dns_peer *address, struct dns_sockets *s)
{
    struct dns_socket *socket = &s->tcp[s->n_tcp];
    *socket = (struct dns_socket){.fd = -1};
    int err = bind_socket(SOCK_STREAM | SOCK_NONBLOCK, address, false, &socket->fd);
    if (err)
        return err;
    s->n_tcp++;
    if (listen(socket->fd, BACKLOG) < 0)
        return -errno;
    return learn_address(socket);
}

static int open_udp(const union dns_peer *address, bool share, struct dns_sockets *s)
{
    struct dns_socket *socket = &s->udp[s->n_udp];
    *socket = (struct dns_socket){.fd = -1, .address = *address};
    int err = bind_socket(SOCK_DGRAM, address, share, &socket->fd);
    if (err)
        return err;
    s->n_udp++;
    tune_udp(socket->fd, address->any.sa_family);
    return ask_for_address(socket);
}

static void close_from(struct dns_sockets *s, size_t n_udp, size_t n_tcp)
{
    while (s->n_udp > n_udp)
        close(s->udp[--s->n_udp].fd);
    while (s->n_tcp > n_tcp)
        close(s->tcp[--s->n_tcp].fd);
}

/* Whether what is sent to the address arrives at the socket already. */
static bool covers(const struct dns_socket *socket, const union dns_peer *address)
{
    int family = socket->address.any.sa_family, v6only = 1;
    socklen_t n = sizeof v6only;
    if (!socket->inherited || dns_peer_port(&socket->address) != dns_peer_port(address))
        return false;
    if (!dns_peer_is_wildcard(&socket->address))
        return same_address(&socket->address, address);
    if (family == AF_INET6)
        (void)getsockopt(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &n);
    return family == address->any.sa_family || (family == AF_INET6 && !v6only);
}

static bool any_covers(const struct dns_socket *sockets, size_t n, const union dns_peer *address)
{
    bool covered = false;
    for (size_t i = 0; i < n; i++)
        covered |= covers(&sockets[i], address);
    return covered;
}

static int open_address(const union dns_peer *address, unsigned workers, struct dns_sockets *s)
{
    size_t n_udp = s->n_udp, n_tcp = s->n_tcp;
    union dns_peer bound = *address;
    int err = 0;
    if (!any_covers(s->tcp, s->n_tcp, address)) {
        err = open_tcp(address, s);
        bound = s->tcp[n_tcp].address; /* the port is known now */
    }
    bool covered = any_covers(s->udp, s->n_udp, address);
    for (unsigned i = 0; i < workers && !err && !covered; i++)
        err = open_udp(&bound, workers > 1, s);
    if (err)
        close_from(s, n_udp, n_tcp);
    return err;
}

/* A free port for TCP may be taken for UDP. */
static int open_any_port(const union dns_peer *address, unsigned workers, struct dns_sockets *s)
{
    int err = open_address(address, workers, s);
    for (int i = 0; i < PORT_TRIES && err == -EADDRINUSE && dns_peer_port(address) == 0; i++)
        err = open_address(address, workers, s);
    return err;
}

static const char *hint(int err)
{
    if (err == -EADDRINUSE)
        return "; is another daemon or name server running?";
    return err == -EACCES ? "; ports below 1024 need CAP_NET_BIND_SERVICE" : "";
}

static int open_listed(const struct dns_options *o, struct dns_sockets *s, char ret_reason[static DNS_REASON_CAP])
{
    for (size_t i = 0; i < o->listen->n; i++) {
        union dns_peer address;
        int err = dns_peer_parse(o->listen->items[i], &address);
        if (!err)
            err = open_any_port(&address, o->workers, s);
        if (err == -EAFNOSUPPORT)
            continue; /* IPv6 is switched off here: whoever reads the options can tell (listen_address_look) */
        if (err) {
            snprintf(ret_reason, DNS_REASON_CAP, "cannot listen on %s: %s%s", o->listen->items[i], strerror(-err),
                     hint(err));
            return err;
        }
    }
    return 0;
}

/* A worker waits in the kernel, not in a poll. */
static int make_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

/*
 * Several workers share a socket: one of their own, even with SO_REUSEPORT, would have to be of the user who bound the first
 * (socket(7)), and what waited in it would end with this process.
 */
static int take_udp(const struct dns_socket *socket, unsigned workers, struct dns_sockets *s)
{
    tune_udp(socket->fd, socket->address.any.sa_family);
    int err = make_blocking(socket->fd);
    if (!err)
        err = ask_for_address(socket);
    for (unsigned i = 0; i < workers && !err; i++) {
        s->udp[s->n_udp] = *socket;
        s->udp[s->n_udp].fd = fcntl(socket->fd, F_DUPFD_CLOEXEC, 0);
        if (s->udp[s->n_udp].fd < 0)
            return -errno;
        s->n_udp++;
    }
    return err;
}

/* Accepting must not wait; whoever else has the socket does not accept from it. */
static int take_tcp(const struct dns_socket *socket, struct dns_sockets *s)
{
    if (fcntl(socket->fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    s->tcp[s->n_tcp] = *socket;
    s->tcp[s->n_tcp].fd = fcntl(socket->fd, F_DUPFD_CLOEXEC, 0);
    if (s->tcp[s->n_tcp].fd < 0)
        return -errno;
    s->n_tcp++;
    return 0;
}

static int look_at(int fd, struct dns_socket *ret_socket, int *ret_type)
{
    socklen_t n = sizeof *ret_type;
    *ret_socket = (struct dns_socket){.fd = fd, .inherited = true};
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, ret_type, &n) < 0 ? -errno : learn_address(ret_socket);
}

/* Several of one address (ReusePort=) have its workers between them. */
static unsigned workers_of(const struct dns_options *o, const struct dns_socket *socket)
{
    unsigned n = 0;
    for (size_t i = 0; i < o->n_inherited; i++) {
        struct dns_socket other;
        int type;
        if (look_at(o->inherited[i], &other, &type) == 0 && type == SOCK_DGRAM)
            n += same_address(&other.address, &socket->address);
    }
    return (o->workers + n - 1) / n;
}

static int take_inherited(const struct dns_options *o, int fd, struct dns_sockets *s)
{
    struct dns_socket socket;
    int type;
    int err = look_at(fd, &socket, &type);
    if (err)
        return err;
    int family = socket.address.any.sa_family;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (type == SOCK_DGRAM)
        return take_udp(&socket, workers_of(o, &socket), s);
    return type == SOCK_STREAM ? take_tcp(&socket, s) : -EPROTOTYPE;
}

static int take_all(const struct dns_options *o, struct dns_sockets *s, char ret_reason[static DNS_REASON_CAP])
{
    for (size_t i = 0; i < o->n_inherited; i++) {
        int err = take_inherited(o, o->inherited[i], s);
        if (err) {
            snprintf(ret_reason, DNS_REASON_CAP, "cannot serve the inherited socket %d: %s", o->inherited[i],
                     strerror(-err));
            return err;
        }
    }
    return 0;
}

int dns_sockets_open(const struct dns_options *o, struct dns_sockets *ret_s, char ret_reason[static DNS_REASON_CAP])
{
    ret_s->n_udp = ret_s->n_tcp = 0;
    int err = take_all(o, ret_s, ret_reason);
    if (!err)
        err = open_listed(o, ret_s, ret_reason);
    if (err)
        dns_sockets_close(ret_s);
    return err;
}

void dns_sockets_close(struct dns_sockets *s)
{
    close_from(s, 0, 0);
}
