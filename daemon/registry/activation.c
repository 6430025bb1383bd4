/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out what each socket that systemd has passed is for. */
#include "daemon/registry/activation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"

static int refuse(int fd, const char *name, const char *why, int err)
{
    log_error("socket activation: descriptor %d (%s): %s", fd, name, why);
    return err;
}

static int option(int fd, int which)
{
    int value = -1;
    socklen_t n = sizeof value;
    return getsockopt(fd, SOL_SOCKET, which, &value, &n) < 0 ? -1 : value;
}

static bool listens(int fd)
{
    return option(fd, SO_TYPE) == SOCK_STREAM && option(fd, SO_ACCEPTCONN) == 1;
}

static int keep_one(int fd, const char *name, int *slot)
{
    if (!listens(fd))
        return refuse(fd, name, "it is not a listening stream socket", -EINVAL);
    if (*slot)
        return refuse(fd, name, "there is one of that kind already", -E2BIG);
    *slot = fd;
    return 0;
}

static int keep_dns(struct activation *a, int fd, const char *name)
{
    if (option(fd, SO_TYPE) != SOCK_DGRAM && !listens(fd))
        return refuse(fd, name, "it is neither a datagram socket nor a listening stream socket", -EINVAL);
    if (a->n_dns == DNS_INHERITED_MAX)
        return refuse(fd, name, "more sockets for DNS than are served", -E2BIG);
    a->dns[a->n_dns++] = fd;
    return 0;
}

static int sort(struct activation *a, int fd, const char *name)
{
    int family = option(fd, SO_DOMAIN);
    bool network = family == AF_INET || family == AF_INET6;
    if (family == AF_UNIX)
        return keep_one(fd, name, &a->api);
    if (!network)
        return refuse(fd, name, "it is neither a Unix socket nor one of IP", -EINVAL);
    return strcmp(name, "http") == 0 ? keep_one(fd, name, &a->http) : keep_dns(a, fd, name);
}

static void free_names(char **names, int n)
{
    for (int i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
}

int activation_take(struct activation *ret_a)
{
    char **names = NULL;
    *ret_a = (struct activation){0};
    int n = sd_listen_fds_with_names(1, &names);
    int err = n < 0 ? n : 0;
    for (int i = 0; i < n && !err; i++)
        err = sort(ret_a, SD_LISTEN_FDS_START + i, names[i]);
    free_names(names, n);
    return err;
}
