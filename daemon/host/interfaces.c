/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the kernel for links and addresses; libmnl takes the messages apart. */
#include "daemon/host/interfaces.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h> /* before anything that brings <net/if.h>, which has no IFF_LOWER_UP */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/address_text.h"
#include "daemon/base/array.h"

#define PASSING    (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_TEMPORARY)
#define BUFFER_CAP 32768 /* as rtnetlink's dumps want it */
#define ANY_PORT   9     /* "discard": a socket that is connected by UDP has a route, and has sent nothing */

struct reading {
    struct interface_address *all;
    size_t n, cap;
    struct link {
        unsigned index, flags;
        char name[INTERFACE_NAME_CAP];
    } * links;
    size_t n_links, links_cap;
};

static int take_name(const struct nlattr *attribute, void *arg)
{
    struct link *link = arg;
    if (mnl_attr_get_type(attribute) == IFLA_IFNAME && mnl_attr_validate(attribute, MNL_TYPE_STRING) >= 0)
        strncpy(link->name, mnl_attr_get_str(attribute), sizeof link->name - 1);
    return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *header, void *arg)
{
    struct reading *r = arg;
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
    if (array_grow(&r->links, r->n_links, &r->links_cap, sizeof *r->links) < 0)
        return MNL_CB_ERROR;
    struct link *link = &r->links[r->n_links++];
    *link = (struct link){.index = (unsigned)info->ifi_index, .flags = info->ifi_flags};
    mnl_attr_parse(header, sizeof *info, take_name, link);
    return MNL_CB_OK;
}

struct address_parts {
    uint32_t flags;
    const uint8_t *address, *local;
    size_t n;
};

static int take_part(const struct nlattr *attribute, void *arg)
{
    struct address_parts *parts = arg;
    uint16_t type = mnl_attr_get_type(attribute), n = mnl_attr_get_payload_len(attribute);
    if (type == IFA_FLAGS && n >= sizeof(uint32_t))
        parts->flags = mnl_attr_get_u32(attribute);
    if (n != parts->n)
        return MNL_CB_OK;
    if (type == IFA_ADDRESS)
        parts->address = mnl_attr_get_payload(attribute);
    if (type == IFA_LOCAL) /* of a tunnel, IFA_ADDRESS is the other end */
        parts->local = mnl_attr_get_payload(attribute);
    return MNL_CB_OK;
}

static const struct link *link_of(const struct reading *r, unsigned index)
{
    for (size_t i = 0; i < r->n_links; i++)
        if (r->links[i].index == index)
            return &r->links[i];
    return NULL;
}

static int take_address(const struct nlmsghdr *header, void *arg)
{
    struct reading *r = arg;
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
    const struct link *link = link_of(r, info->ifa_index);
    struct address_parts parts = {.flags = info->ifa_flags, .n = info->ifa_family == AF_INET ? 4 : 16};
    if (!link || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
        return MNL_CB_OK;
    mnl_attr_parse(header, sizeof *info, take_part, &parts);
    const uint8_t *bytes = parts.local ? parts.local : parts.address;
    if (!bytes)
        return MNL_CB_OK;
    if (array_grow(&r->all, r->n, &r->cap, sizeof *r->all) < 0)
        return MNL_CB_ERROR;
    struct interface_address *a = &r->all[r->n++];
    *a = (struct interface_address){.family = info->ifa_family,
                                    .index = info->ifa_index,
                                    .up = link->flags & IFF_UP && link->flags & IFF_LOWER_UP,
                                    .global = info->ifa_scope == RT_SCOPE_UNIVERSE || info->ifa_scope == RT_SCOPE_SITE,
                                    .loopback = link->flags & IFF_LOOPBACK,
                                    .passing = parts.flags & PASSING};
    memcpy(a->bytes, bytes, parts.n);
    memcpy(a->name, link->name, sizeof a->name);
    return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, uint16_t type, unsigned seq, mnl_cb_t fn, struct reading *r)
{
    char *buffer = malloc(BUFFER_CAP);
    if (!buffer)
        return -ENOMEM;
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = seq;
    (void)mnl_nlmsg_put_extra_header(header, sizeof(struct rtgenmsg));
    int result = mnl_socket_sendto(nl, header, header->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
    while (result == MNL_CB_OK) {
        ssize_t n = mnl_socket_recvfrom(nl, buffer, BUFFER_CAP);
        result = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)n, seq, mnl_socket_get_portid(nl), fn, r);
    }
    int err = result < 0 ? -errno : 0;
    free(buffer);
    return err;
}

int interfaces_read(struct interface_address **ret_all, size_t *ret_n)
{
    struct reading r = {.n = 0};
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl)
        return -errno;
    int err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
    if (!err)
        err = dump(nl, RTM_GETLINK, 1, take_link, &r);
    if (!err)
        err = dump(nl, RTM_GETADDR, 2, take_address, &r);
    mnl_socket_close(nl);
    free(r.links);
    if (err) {
        free(r.all);
        return err;
    }
    *ret_all = r.all;
    *ret_n = r.n;
    return 0;
}

int interfaces_source(int family, const uint8_t *to, uint8_t ret_from[static 16])
{
    struct sockaddr_storage address;
    socklen_t n = address_make(family, to, ANY_PORT, &address);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, n) < 0 || getsockname(fd, (struct sockaddr *)&address, &n) < 0)
        err = -ENETUNREACH;
    close(fd);
    if (!err)
        memcpy(ret_from, address_bytes(&address), family == AF_INET ? 4 : 16);
    return err;
}

int interfaces_watch_open(void)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                                     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

/* What has changed is read anew as a whole, so what did not fit into the socket (ENOBUFS) is not missed. */
void interfaces_watch_drain(int fd)
{
    char buffer[8192];
    for (int i = 0; i < 64; i++)
        if (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) < 0 && errno != ENOBUFS && errno != EINTR)
            return;
}
