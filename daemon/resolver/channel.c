/* SPDX-License-Identifier: Apache-2.0 */
/* Runs c-ares on the daemon's loop. */
#include "daemon/resolver/channel.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

#include "daemon/base/loop.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/clock.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define TRY_MS      2000
#define TRIES       2

/* A socket of c-ares. */
struct watch {
    struct watch *next;
    struct channel *channel;
    struct event *event;
    int fd;
};

struct channel {
    struct event_base *base;
    struct channel_events events;
    char *servers;
    ares_channel ares; /* NULL: it could not be made; it is tried again with the next question */
    struct loop_timer timer;
    struct watch *watches;
    struct timespec conf_changed; /* the modification time of resolv.conf when it was read */
    const bool *allow_loopback;
    size_t under_way;
    bool closing;
};

struct asking {
    struct channel *channel;
    struct names_question question;
};

static void arm_timer(struct channel *c)
{
    struct timeval tv;
    int64_t now_ns = clock_now_ns();
    if (c->ares && ares_timeout(c->ares, NULL, &tv))
        loop_timer_arm(&c->timer, now_ns + tv.tv_sec * NS_PER_S + tv.tv_usec * NS_PER_US, now_ns);
    else
        loop_timer_arm(&c->timer, INT64_MAX, now_ns);
}

static void go_on(struct channel *c, int readable, int writable)
{
    ares_process_fd(c->ares, readable, writable);
    c->events.settled(c->events.arg);
    arm_timer(c);
}

static void on_timer(void *arg)
{
    go_on(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg; /* c-ares may free it in the call below */
    go_on(w->channel, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

static void unwatch(struct channel *c, struct watch *w)
{
    LL_DELETE(c->watches, w);
    event_free(w->event);
    free(w);
}

static struct watch *watch_of(struct channel *c, int fd)
{
    struct watch *w;
    LL_SEARCH_SCALAR(c->watches, w, fd, fd);
    if (w)
        return w;
    w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->channel = c;
    w->fd = fd;
    w->event = event_new(c->base, fd, 0, on_socket, w);
    if (!w->event) {
        free(w);
        return NULL;
    }
    LL_PREPEND(c->watches, w);
    return w;
}

/* c-ares says what it waits for on a socket. Without memory to watch it the question ends by its time-out. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct channel *c = arg;
    struct watch *w = watch_of(c, fd);
    if (!w)
        return;
    if (!readable && !writable) {
        unwatch(c, w);
        return;
    }
    (void)event_del(w->event);
    (void)event_assign(w->event, c->base, fd,
                       (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)), on_socket, w);
    (void)event_add(w->event, NULL);
}

static int init_ares(struct channel *c)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH,
                                   .timeout = TRY_MS,
                                   .tries = TRIES,
                                   .lookups = (char *)"b",
                                   .sock_state_cb = on_state,
                                   .sock_state_cb_data = c};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (c->servers[0])
        mask |= ARES_OPT_LOOKUPS;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE; /* the cache has no size: a question that is repeated is to be asked */
#endif
    int err = ares_init_options(&c->ares, &options, mask);
    if (!err && c->servers[0])
        err = ares_set_servers_ports_csv(c->ares, c->servers);
    if (!err)
        return 0;
    ares_destroy(c->ares);
    c->ares = NULL;
    return err == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

/*
 * Reads resolv.conf again if it has changed, as c-ares does so only once: a laptop changes networks, a DHCP lease its
 * servers.
 */
static void renew(struct channel *c)
{
    struct stat st = {0};
    if (c->under_way || (c->ares && c->servers[0]) || (stat(RESOLV_CONF, &st) < 0 && c->ares))
        return;
    if (c->ares && memcmp(&st.st_mtim, &c->conf_changed, sizeof st.st_mtim) == 0)
        return;
    ares_destroy(c->ares);
    c->ares = NULL;
    c->conf_changed = st.st_mtim;
    (void)init_ares(c);
}

int channel_new(struct event_base *base, const char *servers, const bool *allow_loopback,
                const struct channel_events *events, struct channel **ret_channel)
{
    struct stat st;
    struct channel *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->base = base;
    c->events = *events;
    c->allow_loopback = allow_loopback;
    c->servers = strdup(servers);
    if (stat(RESOLV_CONF, &st) == 0)
        c->conf_changed = st.st_mtim;
    int err = c->servers ? loop_timer_init(&c->timer, base, on_timer, c) : -ENOMEM;
    if (!err)
        err = init_ares(c);
    if (err)
        channel_free(c);
    else
        *ret_channel = c;
    return err;
}

void channel_free(struct channel *c)
{
    if (!c)
        return;
    c->closing = true;
    ares_destroy(c->ares);
    while (c->watches)
        unwatch(c, c->watches);
    loop_timer_fini(&c->timer);
    free(c->servers);
    free(c);
}

/* --- questions --- */

static enum names_outcome outcome_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return NAMES_FOUND;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return NAMES_DENIED;
    default:
        return NAMES_FAILED;
    }
}

/* In a chain of aliases the shortest TTL counts. */
static uint32_t ttl_of(const struct ares_addrinfo *info, int ttl)
{
    for (const struct ares_addrinfo_cname *alias = info->cnames; alias; alias = alias->next)
        if (alias->ttl < ttl)
            ttl = alias->ttl;
    return ttl > 0 ? (uint32_t)ttl : 0;
}

/*
 * Whether an address that a name resolves to is taken: only one that could be registered is. 0.0.0.0 and :: are what
 * filters answer for names they block, and a hosts file may have the machine's own name at 127.0.1.1. *ret_why
 * (static): why it is not taken.
 */
static bool take_address(const struct channel *c, const struct sockaddr *from, uint8_t family,
                         uint8_t ret_address[static 16], const char **ret_why)
{
    memset(ret_address, 0, 16);
    if (family == DISCOVER_HAS_IPV4 && from->sa_family == AF_INET)
        memcpy(ret_address, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (family == DISCOVER_HAS_IPV6 && from->sa_family == AF_INET6)
        memcpy(ret_address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    else
        return false;
    const char *why = address_useless(from->sa_family, ret_address);
    if (!why && !*c->allow_loopback && address_is_loopback(from->sa_family, ret_address))
        why = ADDRESS_LOOPBACK_REFUSED;
    if (why)
        *ret_why = why;
    return !why;
}

static void take_info(const struct asking *asking, const struct ares_addrinfo *info, struct names_answer *ret_answer,
                      const char **ret_why)
{
    struct names_answer *a = ret_answer;
    int ttl = INT32_MAX;
    for (const struct ares_addrinfo_node *node = info->nodes; node && a->n < NAMES_ADDRESSES_MAX; node = node->ai_next)
        if (take_address(asking->channel, node->ai_addr, asking->question.family, a->address[a->n], ret_why)) {
            ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
            a->n++;
        }
    a->ttl_s = ttl_of(info, ttl);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct asking *asking = arg;
    struct channel *c = asking->channel;
    struct names_answer answer = {.outcome = outcome_of(status)};
    const char *why = ares_strerror(status);
    (void)timeouts;
    if (info)
        take_info(asking, info, &answer, &why);
    if (info)
        ares_freeaddrinfo(info);
    c->under_way--;
    if (!c->closing)
        c->events.answered(c->events.arg, &asking->question, &answer, why);
    free(asking);
}

static void cannot_ask(struct channel *c, const struct names_question *question, const char *why)
{
    const struct names_answer answer = {.outcome = NAMES_FAILED};
    c->events.answered(c->events.arg, question, &answer, why);
}

void channel_ask(struct channel *c, const struct names_question *question)
{
    const struct ares_addrinfo_hints hints = {
        /* without this flag c-ares connects a socket to each address, to learn how near it is */
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = question->family == DISCOVER_HAS_IPV4 ? AF_INET : AF_INET6,
        .ai_socktype = SOCK_STREAM,
    };
    renew(c);
    struct asking *asking = c->ares ? malloc(sizeof *asking) : NULL;
    if (!asking) {
        cannot_ask(c, question, c->ares ? "no memory" : "no resolver");
        return;
    }
    *asking = (struct asking){c, *question};
    c->under_way++;
    ares_getaddrinfo(c->ares, question->name, NULL, &hints, on_answer, asking);
    arm_timer(c);
}
