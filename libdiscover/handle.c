/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, starting and freeing handles, and their place in the caller's event loop. All that happens on the connection and
 * in DNS is dispatched from here to watches, pickers and shared ejections.
 */
#include "libdiscover/handle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libdiscover/balance/picker.h"
#include "libdiscover/session/link.h"
#include "libdiscover/session/pending.h"
#include "libdiscover/share.h"
#include "libdiscover/watch.h"

#define SOCKET_DEFAULT     "/run/discoverd/discoverd.sock"
#define SOCKET_ENVIRONMENT "DISCOVERD_SOCKET"
#define TIMEOUT_MS_DEFAULT 2000

int context_check(const struct discover *d)
{
    if (!d->maker.mark)
        return -EINVAL;
    return maker_is_us(&d->maker) ? 0 : -ECHILD;
}

int context_error(struct discover *d, int code, const char *text)
{
    snprintf(d->last_error, sizeof d->last_error, "%s", text);
    return code;
}

/*
 * Unlike the daemon, the DNS source keeps no watches and pickers, and calls nobody on changes: before each step
 * it is given what is wanted, and asked afterwards what has changed.
 */
static void step_dns(struct discover *d)
{
    watches_want(d);
    for (const struct discover_picker *p = d->pickers; p; p = p->next)
        dns_want(d->dns, p->query.key);
    if (dns_step(d->dns, atomic_load(&d->mappings.current) != NULL))
        pickers_move(d);
    for (const char *key; (key = dns_next_changed(d->dns));)
        watches_mark(d, key);
}

void handle_mend(struct discover *d)
{
    int mended = poll_set_mend(&d->set);
    if (mended == 0 && connection_is_own(&d->connection))
        return;
    d->timer_ns = 0;
    if (mended > 0 && d->dns)
        dns_enter_set(d->dns);
    int fault = d->fault;
    link_descriptors_gone(d, mended != 0);
    d->fault = fault; /* what became of the connection is part of it */
    d->mended = mended < 0 ? mended : -EBADF;
}

/* Does whatever is due, but for what runs code of the caller's; link_arm is to follow. */
static void step(struct discover *d)
{
    handle_mend(d);
    shares_run(d);
    link_step(d);
    if (d->mappings.retired)
        pickers_move(d);
    (void)mappings_reclaim(&d->mappings);
    if (d->dns)
        step_dns(d);
    pickers_run(d);
}

static int on_up(struct discover *d)
{
    watches_mark(d, NULL);
    int err = watches_send(d);
    return err ? err : shares_send(d);
}

/* What is unknown is let pass: a newer daemon may say more than we understand. */
static void on_message(struct discover *d, const Discover__V1__ServerMessage *msg)
{
    switch (msg->body_case) {
    case DISCOVER__V1__SERVER_MESSAGE__BODY_TABLE_MOVED:
        watches_mark(d, NULL);
        break;
    case DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED:
        watches_mark(d, msg->changed->service);
        if (*msg->changed->traceparent)
            watches_traced(d, msg->changed->service, msg->changed->traceparent, msg->changed->tracestate);
        break;
    case DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED:
        shares_heard(d, msg->ejected);
        break;
    case DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR:
        if (watches_asked(d, msg->id))
            d->fault = link_daemon_error(d, msg->error);
        break;
    default:
        break;
    }
}

static const struct link_events events = {.up = on_up, .message = on_message};

void handle_wait(struct discover *d, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_now_ns();
    int64_t left_ms = left_ns > 0 ? (left_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    struct pollfd poll_fd = {.fd = d->set.epoll, .events = POLLIN};
    d->waiting = true;
    link_arm(d);
    (void)poll(&poll_fd, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
    step(d);
    d->waiting = false;
    link_arm(d);
}

int discover_new(struct discover **ret_d)
{
    if (!ret_d)
        return -EINVAL;
    struct discover *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->events = &events;
    connection_init(&d->connection, &d->set);
    poll_set_init(&d->set);
    d->timeout_ms = TIMEOUT_MS_DEFAULT;
    snprintf(d->name, sizeof d->name, "%s", program_invocation_short_name);
    const char *path = secure_getenv(SOCKET_ENVIRONMENT);
    int err = discover_set_socket(d, path && *path ? path : SOCKET_DEFAULT);
    if (err < 0) {
        discover_free(d);
        return err;
    }
    settings_take_environment(d);
    *ret_d = d;
    return 0;
}

static void stop(struct discover *d)
{
    bool ours = maker_is_us(&d->maker);
    connection_close(&d->connection, ours);
    dns_close(d->dns, ours);
    d->dns = NULL;
    poll_set_close(&d->set);
    d->timer_ns = 0;
    maker_unset(&d->maker);
    d->fault = 0;
    d->link = LINK_DOWN;
    atomic_store(&d->connected, 0);
}

void discover_free(struct discover *d)
{
    if (!d)
        return;
    d->freeing = true;
    stop(d);
    pending_cancel_all(d);
    held_drop_all(&d->held);
    free(d->trace);
    shares_drop(d);
    mappings_fini(&d->mappings);
    free(d);
}

/* A daemon that refuses us, or does not answer, is no error: it is tried again. What this process lacks (memory, descriptors) is. */
static int greet(struct discover *d)
{
    int64_t deadline_ns = clock_now_ns() + d->timeout_ms * NS_PER_MS;
    int err = link_open(d);
    while (d->link == LINK_GREETING ||
           (d->link == LINK_DOWN && d->lost)) { /* one that is restarted ends it, and is back */
        handle_wait(d, deadline_ns);
        if (clock_now_ns() >= deadline_ns)
            break;
    }
    if (d->link == LINK_GREETING)
        (void)context_error(d, -ETIMEDOUT, "the daemon has not answered in time");
    d->fault = 0; /* discover_last_error has it */
    return err == DISCOVER_E_UNSYNCED ? 0 : err;
}

/* The environment's DNS settings are not valid: an error only for who has no daemon to wait for. */
static int refuse_dns(struct discover *d)
{
    size_t n = strlen(d->last_error);
    const char *between = n ? "; " : "";
    (void)!snprintf(d->last_error + n, sizeof d->last_error - n, "%s%s", between, d->dns_problem);
    return d->source == DISCOVER_SOURCE_DNS ? -EINVAL : 0;
}

/* The daemon, or what is in its place while it is not there. */
static int open_source(struct discover *d)
{
    int err = d->source == DISCOVER_SOURCE_DNS ? 0 : greet(d);
    if (err < 0 || d->link == LINK_UP || d->source == DISCOVER_SOURCE_DAEMON)
        return err;
    if (*d->dns_problem)
        return refuse_dns(d);
    return dns_open(&d->set, d->dns_servers, d->dns_zone, &d->dns);
}

int discover_start(struct discover *d)
{
    if (!d || d->freeing)
        return -EINVAL;
    if (d->maker.mark)
        return -EALREADY;
    int err = maker_set(&d->maker);
    if (err < 0)
        return err;
    d->last_error[0] = '\0';
    uint64_t seed = (uint64_t)clock_now_ns() ^ (uint64_t)(uintptr_t)d->maker.mark << 20 ^ (uint64_t)getpid() << 48;
    retry_init(&d->reconnect, seed);
    retry_init(&d->renew, ~seed);
    err = poll_set_open(&d->set);
    if (!err)
        err = open_source(d);
    if (err < 0)
        stop(d);
    return err;
}

int discover_fd(const struct discover *d)
{
    if (!d)
        return -EINVAL;
    return d->set.epoll >= 0 ? d->set.epoll : -EBADF;
}

/* Whatever else went wrong meanwhile is reported by the next dispatch. */
static int report_mended(struct discover *d)
{
    int code = d->mended;
    d->mended = 0;
    return context_error(
        d, code,
        "the program has closed a descriptor of this handle (closefrom, close, dup2): there are new ones, "
        "and discover_fd has to be put into its loop again");
}

int discover_dispatch(struct discover *d)
{
    int err = d ? context_check(d) : -EINVAL;
    if (err < 0)
        return err;
    step(d);
    pending_deliver_ended(d);
    watches_run(d);
    link_arm(d);
    if (d->mended)
        return report_mended(d);
    int fault = d->fault;
    d->fault = 0;
    return fault;
}

int discover_connected(const struct discover *d)
{
    return d ? atomic_load(&d->connected) : -EINVAL;
}

const char *discover_last_error(const struct discover *d)
{
    return d ? d->last_error : "";
}
