/* SPDX-License-Identifier: Apache-2.0 */
/* Making, starting and freeing handles, and their place in the caller's event loop. */
#include "libdiscover/handle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libdiscover/dns/dns_channel.h"
#include "libdiscover/dns/dns_question.h"
#include "libdiscover/session/link.h"
#include "libdiscover/watch.h"

#define SOCKET_DEFAULT     "/run/discoverd/discoverd.sock"
#define SOCKET_ENVIRONMENT "DISCOVERD_SOCKET"
#define DNS_ENVIRONMENT    "DISCOVERD_DNS"
#define ZONE_ENVIRONMENT   "DISCOVERD_ZONE"
#define ZONE_DEFAULT       "discover.internal"
#define TIMEOUT_MS_DEFAULT 2000

int discover_new(struct discover **ret_d)
{
    struct discover *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    mappings_init(&d->mappings);
    connection_init(&d->connection, -1);
    d->epoll = d->timer = d->wake = -1;
    d->timeout_ms = TIMEOUT_MS_DEFAULT;
    snprintf(d->name, sizeof d->name, "%s", program_invocation_short_name);
    const char *path = secure_getenv(SOCKET_ENVIRONMENT);
    int err = discover_set_socket(d, path && *path ? path : SOCKET_DEFAULT);
    const char *servers = secure_getenv(DNS_ENVIRONMENT);
    if (!err)
        err = discover_set_dns(d, servers ? servers : "", secure_getenv(ZONE_ENVIRONMENT));
    if (err < 0) {
        discover_free(d);
        return err;
    }
    *ret_d = d;
    return 0;
}

static void stop(struct discover *d)
{
    connection_close(&d->connection, d->pid == getpid());
    dns_close(d);
    if (d->epoll >= 0)
        close(d->epoll);
    if (d->timer >= 0)
        close(d->timer);
    d->epoll = d->timer = -1;
    d->timer_ns = 0;
    d->pid = 0;
    d->fault = 0;
    d->link = LINK_DOWN;
    atomic_store(&d->connected, 0);
}

void discover_free(struct discover *d)
{
    if (!d)
        return;
    stop(d);
    if (d->wake >= 0)
        close(d->wake);
    held_drop_all(&d->held);
    mappings_fini(&d->mappings);
    free(d);
}

static int set_text(const struct discover *d, const char *text, size_t cap, char *ret_text)
{
    if (d->pid)
        return -EALREADY;
    if (!text || !*text)
        return -EINVAL;
    if (strlen(text) >= cap)
        return -ENAMETOOLONG;
    strcpy(ret_text, text);
    return 0;
}

int discover_set_socket(struct discover *d, const char *path)
{
    return set_text(d, path, sizeof d->socket_path, d->socket_path);
}

const char *discover_socket(const struct discover *d)
{
    return d->socket_path;
}

int discover_set_name(struct discover *d, const char *name)
{
    return set_text(d, name, sizeof d->name, d->name);
}

int discover_set_source(struct discover *d, enum discover_source source)
{
    if (d->pid)
        return -EALREADY;
    if (source < DISCOVER_SOURCE_AUTO || source > DISCOVER_SOURCE_DNS)
        return -EINVAL;
    d->source = source;
    return 0;
}

int discover_set_dns(struct discover *d, const char *servers, const char *zone)
{
    const char *own_zone = zone && *zone ? zone : ZONE_DEFAULT;
    if (d->pid)
        return -EALREADY;
    if (!servers || strlen(servers) >= sizeof d->dns_servers || strlen(own_zone) >= sizeof d->dns_zone ||
        !dns_zone_valid(own_zone) || (*servers && !dns_servers_valid(servers)))
        return -EINVAL;
    strcpy(d->dns_servers, servers);
    strcpy(d->dns_zone, own_zone);
    return 0;
}

int discover_set_timeout(struct discover *d, int timeout_ms)
{
    if (timeout_ms < 0)
        return -EINVAL;
    d->timeout_ms = timeout_ms;
    return 0;
}

int64_t handle_deadline(const struct discover *d)
{
    return clock_now_ns() + d->timeout_ms * NS_PER_MS;
}

int handle_check(const struct discover *d)
{
    if (!d->pid)
        return -EINVAL;
    return d->pid == getpid() ? 0 : -ECHILD;
}

int handle_error(struct discover *d, int code, const char *text)
{
    snprintf(d->last_error, sizeof d->last_error, "%s", text);
    return code;
}

static int add_descriptor(const struct discover *d, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int handle_open_wake(struct discover *d)
{
    if (d->wake >= 0)
        return 0;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = fd < 0 ? -errno : 0;
    if (!err && d->epoll >= 0)
        err = add_descriptor(d, fd);
    if (err && fd >= 0)
        close(fd);
    if (!err)
        d->wake = fd;
    return err;
}

void handle_wake(const struct discover *d)
{
    const uint64_t one = 1;
    (void)!write(d->wake, &one, sizeof one); /* full: then it is readable anyway */
}

/* One descriptor for the caller's loop, whatever becomes of the connection: an epoll set with all that matters. */
static int open_descriptors(struct discover *d)
{
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    d->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->epoll < 0 || d->timer < 0)
        return -errno;
    int err = add_descriptor(d, d->timer);
    if (!err && d->wake >= 0)
        err = add_descriptor(d, d->wake);
    if (err)
        return err;
    connection_init(&d->connection, d->epoll);
    return 0;
}

/* The daemon, or what is in its place while it is not there. */
static int open_source(struct discover *d)
{
    bool by_dns = d->source == DISCOVER_SOURCE_DNS;
    int err = by_dns ? DISCOVER_E_UNSYNCED : link_connect(d, handle_deadline(d));
    if (err != DISCOVER_E_UNSYNCED && err != -ETIMEDOUT)
        return err;
    return d->source == DISCOVER_SOURCE_DAEMON ? 0 : dns_open(d);
}

int discover_start(struct discover *d)
{
    if (d->pid)
        return -EALREADY;
    d->pid = getpid();
    uint64_t seed = (uint64_t)clock_now_ns() ^ (uint64_t)d->pid << 32;
    backoff_init(&d->reconnect, seed);
    backoff_init(&d->renew, ~seed);
    int err = open_descriptors(d);
    if (!err)
        err = open_source(d);
    if (err < 0)
        stop(d);
    return err;
}

int discover_fd(const struct discover *d)
{
    return d->epoll >= 0 ? d->epoll : -EBADF;
}

int discover_dispatch(struct discover *d)
{
    int err = handle_check(d);
    if (err < 0)
        return err;
    link_step(d);
    dns_step(d);
    watches_run(d);
    int fault = d->fault;
    d->fault = 0;
    return fault;
}

int discover_connected(const struct discover *d)
{
    return atomic_load(&d->connected);
}

const char *discover_last_error(const struct discover *d)
{
    return d->last_error;
}
