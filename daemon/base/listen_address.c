/* SPDX-License-Identifier: Apache-2.0 */
/* Listening at an address that this host has not got yet. */
#include "daemon/base/listen_address.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "daemon/base/address_text.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* Linux 4.15; younger than some headers */
#endif

int listen_address_may_be_absent(int fd, int family)
{
    const int on = 1;
    int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = family == AF_INET6 ? IPV6_FREEBIND : IP_FREEBIND;
    return setsockopt(fd, level, option, &on, sizeof on) < 0 ? -errno : 0;
}

/* The kernel is asked by a bind to any free port: it knows best, and nobody else is in the way. */
int listen_address_look(const char *text)
{
    struct sockaddr_storage address;
    socklen_t n;
    int err = address_parse(text, &address, &n);
    if (err < 0)
        return err;
    ((struct sockaddr_in *)&address)->sin_port = 0; /* sin6_port is at the same place */
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    err = bind(fd, (const struct sockaddr *)&address, n) < 0 ? -errno : 0;
    close(fd);
    return err;
}
