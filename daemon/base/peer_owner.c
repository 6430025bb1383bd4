/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the user who owns the other end of a TCP connection from this machine. */
#include "daemon/base/peer_owner.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int peer_owner_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

struct ends {
    struct sockaddr_storage peer, own;
};

static const void *address_of(const struct sockaddr_storage *s, size_t *ret_n)
{
    bool v4 = s->ss_family == AF_INET;
    *ret_n = v4 ? 4 : 16;
    return v4 ? (const void *)&((const struct sockaddr_in *)s)->sin_addr
              : (const void *)&((const struct sockaddr_in6 *)s)->sin6_addr;
}

static bool is_loopback(const struct sockaddr_storage *s)
{
    size_t n;
    const uint8_t *bytes = address_of(s, &n);
    return n == 4 ? bytes[0] == 127 : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)bytes);
}

/* Both families have the port at the same place. */
static in_port_t port_of(const struct sockaddr_storage *s)
{
    return ((const struct sockaddr_in *)s)->sin_port;
}

static bool send_request(int diag, const struct ends *ends)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
                 .body = {.sdiag_family = (uint8_t)ends->peer.ss_family,
                          .sdiag_protocol = IPPROTO_TCP,
                          .idiag_states = ~0U,
                          .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    size_t n;
    const void *peer = address_of(&ends->peer, &n), *own = address_of(&ends->own, &n);
    memcpy(request.body.id.idiag_src, peer, n);
    memcpy(request.body.id.idiag_dst, own, n);
    request.body.id.idiag_sport = port_of(&ends->peer);
    request.body.id.idiag_dport = port_of(&ends->own);
    return send(diag, &request, sizeof request, 0) == sizeof request;
}

/* The kernel has answered before send returned. */
static bool receive_uid(int diag, uid_t *ret_uid)
{
    union {
        struct nlmsghdr head;
        uint8_t bytes[1024];
    } answer;
    struct inet_diag_msg body;
    ssize_t n = recv(diag, &answer, sizeof answer, MSG_DONTWAIT);
    if (n < (ssize_t)NLMSG_LENGTH(sizeof body) || answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    memcpy(&body, NLMSG_DATA(&answer.head), sizeof body);
    *ret_uid = body.idiag_uid;
    return true;
}

void peer_owner(int diag, int sock, struct share_owner *ret_owner, uid_t *ret_uid)
{
    struct ends ends = {.peer = {.ss_family = AF_INET}};
    socklen_t peer_n = sizeof ends.peer, own_n = sizeof ends.own;
    size_t n;
    *ret_uid = (uid_t)-1;
    bool known = getpeername(sock, (struct sockaddr *)&ends.peer, &peer_n) == 0 &&
                 getsockname(sock, (struct sockaddr *)&ends.own, &own_n) == 0;
    bool user =
        known && diag >= 0 && is_loopback(&ends.peer) && send_request(diag, &ends) && receive_uid(diag, ret_uid);
    const uint8_t *bytes = address_of(&ends.peer, &n);
    *ret_owner = user ? share_owner_user(*ret_uid) : share_owner_address(bytes, n);
}
