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

#include "daemon/base/address_text.h"
#include "libdiscover/core/address.h"

int peer_owner_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

struct ends {
    struct sockaddr_storage peer, own;
};

static size_t size_of(const struct sockaddr_storage *s)
{
    return s->ss_family == AF_INET ? 4 : 16;
}

/* Both families have the port at the same place. */
static in_port_t port_of(const struct sockaddr_storage *s)
{
    return ((const struct sockaddr_in *)s)->sin_port;
}

static bool send_request(int diag, struct ends *ends)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
                 .body = {.sdiag_family = (uint8_t)ends->peer.ss_family,
                          .sdiag_protocol = IPPROTO_TCP,
                          .idiag_states = ~0U,
                          .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    memcpy(request.body.id.idiag_src, address_bytes(&ends->peer), size_of(&ends->peer));
    memcpy(request.body.id.idiag_dst, address_bytes(&ends->own), size_of(&ends->own));
    request.body.id.idiag_sport = port_of(&ends->peer);
    request.body.id.idiag_dport = port_of(&ends->own);
    return send(diag, &request, sizeof request, 0) == sizeof request;
}

/* Reads the kernel's answer, which is there as soon as send has returned. */
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
    *ret_uid = (uid_t)-1;
    bool known = getpeername(sock, (struct sockaddr *)&ends.peer, &peer_n) == 0 &&
                 getsockname(sock, (struct sockaddr *)&ends.own, &own_n) == 0;
    const uint8_t *peer = address_bytes(&ends.peer);
    bool user = known && diag >= 0 && address_is_loopback(ends.peer.ss_family, peer) && send_request(diag, &ends) &&
                receive_uid(diag, ret_uid);
    *ret_owner = user ? share_owner_user(*ret_uid) : share_owner_address(peer, size_of(&ends.peer));
}
