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

/*
 * RFC 9715 3.1: no fragments, and no belief in a path MTU that anybody could have forged; answers off loopback are
 * small enough for any path. (It is also cheaper: the kernel need not find a number for fragments to share.)
 */
static void tune_udp(int fd, int family)
{
    struct timeval wake = {DNS_WAKE_NS / NS_PER_S, DNS_WAKE_NS % NS_PER_S / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake);
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES) < 0)
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
    set_path_mtu(fd, family, IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE);
}

void dns_socket_allow_fragments(const struct dns_socket *s)
{
    set_path_mtu(s->fd, s->address.any.sa_family, IP_PMTUDISC_OMIT, IPV6_PMTUDISC_OMIT);
}

/* On a wildcard address each query tells where it was sent to, and its reply leaves from there (RFC 2181 4.1). */
static int ask_for_address(const struct dns_socket *s)
{
    if (!dns_peer_is_wildcard(&s->address))
        return 0;
    if (s->address.any.sa_family == AF_INET6)
        return set(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return set(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
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

static int open_address(const union dns_peer *address, unsigned workers, struct dns_sockets *s)
{
    size_t n_udp = s->n_udp, n_tcp = s->n_tcp;
    int err = open_tcp(address, s);
    for (unsigned i = 0; i < workers && !err; i++)
        err = open_udp(&s->tcp[n_tcp].address, workers > 1, s);
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
    for (size_t i = 0; i < o->n_listen; i++) {
        union dns_peer address;
        socklen_t n;
        int err = dns_peer_parse(o->listen[i], &address, &n);
        if (!err)
            err = open_any_port(&address, o->workers, s);
        if (err == -EAFNOSUPPORT)
            continue; /* IPv6 is switched off here: whoever reads the options can tell (listen_address_look) */
        if (err) {
            snprintf(ret_reason, DNS_REASON_CAP, "cannot listen on %s: %s%s", o->listen[i], strerror(-err), hint(err));
            return err;
        }
    }
    return 0;
}

/* The workers of an inherited socket share it: it may have been bound without SO_REUSEPORT. */
static int take_udp(const struct dns_socket *socket, unsigned workers, struct dns_sockets *s)
{
    tune_udp(socket->fd, socket->address.any.sa_family);
    int err = ask_for_address(socket);
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

static int take_inherited(int fd, unsigned workers, struct dns_sockets *s)
{
    struct dns_socket socket = {.fd = fd, .inherited = true};
    int type;
    socklen_t n = sizeof type;
    int err = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 ? -errno : learn_address(&socket);
    if (err)
        return err;
    int family = socket.address.any.sa_family;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (type == SOCK_DGRAM)
        return take_udp(&socket, workers, s);
    return type == SOCK_STREAM ? take_tcp(&socket, s) : -EPROTOTYPE;
}

static int take_all(const struct dns_options *o, struct dns_sockets *s, char ret_reason[static DNS_REASON_CAP])
{
    for (size_t i = 0; i < o->n_inherited; i++) {
        int err = take_inherited(o->inherited[i], o->workers, s);
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
    int err = o->n_inherited ? take_all(o, ret_s, ret_reason) : open_listed(o, ret_s, ret_reason);
    if (err)
        dns_sockets_close(ret_s);
    return err;
}

void dns_sockets_close(struct dns_sockets *s)
{
    close_from(s, 0, 0);
}
