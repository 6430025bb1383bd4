/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps host names resolved, by c-ares on the daemon's loop. */
#include "daemon/resolver/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/zones.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define TRY_MS      2000
#define TRIES       2

/* A socket of c-ares. */
struct watch {
    struct watch *next;
    struct resolver *resolver;
    struct event *event;
    int fd;
};

/* A name that came back, with what it is known to resolve to: reported from the loop, not from within resolver_add. */
struct returned {
    struct returned *next;
    struct addresses address;
    char name[];
};

struct resolver {
    struct event_base *base;
    const struct string_list *zones;
    const bool *allow_loopback;
    struct resolver_ops ops;
    struct names_counters counters;
    struct names *names;
    struct loop_timer timer; /* when the next name is due */
    struct returned *returned;
    bool changed; /* something has changed since ops.settled was called last */
    bool full;    /* that there are too many names was logged */

    char *servers;
    ares_channel ares; /* NULL: it could not be made; it is tried again with the next question */
    struct loop_timer ares_timer;
    struct watch *watches;
    struct timespec conf_changed; /* the modification time of resolv.conf when it was read */
    size_t under_way;
    bool closing;
};

struct asking {
    struct resolver *resolver;
    struct names_question question;
};

static void ask(void *arg);

static const struct metric resolver_metrics[] = {
    GAUGE_OF(names_counters, names, "discoverd_resolver_names", "Host names that are kept resolved."),
    GAUGE_OF(names_counters, failing, "discoverd_resolver_failing",
             "Host names of them whose last question had no answer."),
    COUNTER_OF(names_counters, queries, "discoverd_resolver_queries_total",
               "Questions for the address of a host name, of one family."),
    COUNTER_OF(names_counters, failures, "discoverd_resolver_failures_total",
               "Questions without an answer; the last address stays."),
    COUNTER_OF(names_counters, denials, "discoverd_resolver_denials_total",
               "Answers that there is no such name, or no address of that family."),
    COUNTER_OF(names_counters, changes, "discoverd_resolver_changes_total",
               "Times a host name came to another address."),
    COUNTER_OF(names_counters, dropped, "discoverd_resolver_dropped_total",
               "Addresses that went because they were denied for long."),
    COUNTER_OF(names_counters, refused, "discoverd_resolver_refused_total",
               "Host names over limits.hostnames, or below one of our own zones."),
};
METRICS_LISTED(resolver_metrics)

/* --- c-ares on the loop --- */

static void arm_ares(struct resolver *r)
{
    struct timeval tv;
    int64_t now_ns = clock_now_ns();
    if (r->ares && ares_timeout(r->ares, NULL, &tv))
        loop_timer_arm(&r->ares_timer, now_ns + tv.tv_sec * NS_PER_S + tv.tv_usec * NS_PER_US, now_ns);
    else
        loop_timer_arm(&r->ares_timer, INT64_MAX, now_ns);
}

static void go_on(struct resolver *r, int readable, int writable)
{
    ares_process_fd(r->ares, readable, writable);
    ask(r);
    arm_ares(r);
}

static void on_ares_timer(void *arg)
{
    go_on(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg; /* c-ares may free it in the call below */
    go_on(w->resolver, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

static void unwatch(struct resolver *r, struct watch *w)
{
    LL_DELETE(r->watches, w);
    event_free(w->event);
    free(w);
}

static struct watch *watch_of(struct resolver *r, int fd)
{
    struct watch *w;
    LL_SEARCH_SCALAR(r->watches, w, fd, fd);
    if (w)
        return w;
    w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->resolver = r;
    w->fd = fd;
    w->event = event_new(r->base, fd, 0, on_socket, w);
    if (!w->event) {
        free(w);
        return NULL;
    }
    LL_PREPEND(r->watches, w);
    return w;
}

/* c-ares says what it waits for on a socket. Without memory to watch it the question ends by its time-out. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = arg;
    struct watch *w = watch_of(r, fd);
    if (!w)
        return;
    if (!readable && !writable) {
        unwatch(r, w);
        return;
    }
    (void)event_del(w->event);
    (void)event_assign(w->event, r->base, fd,
                       (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)), on_socket, w);
    (void)event_add(w->event, NULL);
}

static int init_ares(struct resolver *r)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH,
                                   .timeout = TRY_MS,
                                   .tries = TRIES,
                                   .lookups = (char *)"b",
                                   .sock_state_cb = on_state,
                                   .sock_state_cb_data = r};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (r->servers[0])
        mask |= ARES_OPT_LOOKUPS;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE; /* the cache has no size: a question that is repeated is to be asked */
#endif
    int err = ares_init_options(&r->ares, &options, mask);
    if (!err && r->servers[0])
        err = ares_set_servers_ports_csv(r->ares, r->servers);
    if (!err)
        return 0;
    ares_destroy(r->ares);
    r->ares = NULL;
    return err == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

/*
 * Reads resolv.conf again if it has changed, as c-ares does so only once: a laptop changes networks, a DHCP lease its
 * servers.
 */
static void renew(struct resolver *r)
{
    struct stat st = {0};
    if (r->under_way || (r->ares && r->servers[0]) || (stat(RESOLV_CONF, &st) < 0 && r->ares))
        return;
    if (r->ares && memcmp(&st.st_mtim, &r->conf_changed, sizeof st.st_mtim) == 0)
        return;
    ares_destroy(r->ares);
    r->ares = NULL;
    r->conf_changed = st.st_mtim;
    (void)init_ares(r);
}

/* --- answers --- */

/*
 * When a server is away no name can be asked for: that is logged for the first one, and its end once for all of them.
 */
static void log_news(const struct resolver *r, const char *name, bool has_address, enum names_news news,
                     const char *why)
{
    uint64_t failing = metric_get(&r->counters.failing);
    switch (news) {
    case NAMES_RESOLVED:
        if (failing == 0)
            log_notice("host name %s is resolved again", name);
        break;
    case NAMES_NOT_FOUND:
        log_warning("host name %s has no address: %s%s", name, why,
                    has_address ? "; the one it had stays for a while" : "");
        break;
    case NAMES_CANNOT_ASK:
        if (failing == 1)
            log_warning("host name %s, and perhaps others, cannot be resolved: %s; their last addresses stay", name,
                        why);
        break;
    case NAMES_NO_NEWS:
        break;
    }
}

static void answered(struct resolver *r, const struct names_question *question, const struct names_answer *answer,
                     const char *why)
{
    struct addresses address = {0};
    enum names_news news;
    if (names_answered(r->names, question, answer, (uint32_t)entropy_64(), clock_now_ns(), &address, &news)) {
        r->ops.resolved(r->ops.arg, question->name, &address);
        r->changed = true;
    }
    log_news(r, question->name, address.families != 0, news, why);
}

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
static bool take_address(const struct resolver *r, const struct sockaddr *from, uint8_t family,
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
    if (!why && !*r->allow_loopback && address_is_loopback(from->sa_family, ret_address))
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
        if (take_address(asking->resolver, node->ai_addr, asking->question.family, a->address[a->n], ret_why)) {
            ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
            a->n++;
        }
    a->ttl_s = ttl_of(info, ttl);
}

/* --- questions --- */

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct asking *asking = arg;
    struct resolver *r = asking->resolver;
    struct names_answer answer = {.outcome = outcome_of(status)};
    const char *why = ares_strerror(status);
    (void)timeouts;
    if (info)
        take_info(asking, info, &answer, &why);
    if (info)
        ares_freeaddrinfo(info);
    r->under_way--;
    if (!r->closing)
        answered(r, &asking->question, &answer, why);
    free(asking);
}

static void ask_servers(struct resolver *r, const struct names_question *question)
{
    static const struct names_answer failed = {.outcome = NAMES_FAILED};
    const struct ares_addrinfo_hints hints = {
        /* without this flag c-ares connects a socket to each address, to learn how near it is */
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = question->family == DISCOVER_HAS_IPV4 ? AF_INET : AF_INET6,
        .ai_socktype = SOCK_STREAM,
    };
    renew(r);
    struct asking *asking = r->ares ? malloc(sizeof *asking) : NULL;
    if (!asking) {
        answered(r, question, &failed, r->ares ? "no memory" : "no resolver");
        return;
    }
    *asking = (struct asking){r, *question};
    r->under_way++;
    ares_getaddrinfo(r->ares, question->name, NULL, &hints, on_answer, asking);
    arm_ares(r);
}

static void deliver_returned(struct resolver *r)
{
    while (r->returned) {
        struct returned *it = r->returned;
        r->returned = it->next;
        r->ops.resolved(r->ops.arg, it->name, &it->address);
        r->changed = true;
        free(it);
    }
}

/* Asks what is due. What is answered from within (by a hosts file) is delivered like everything else, at the end. */
static void ask(void *arg)
{
    struct resolver *r = arg;
    struct names_question question;
    int64_t now_ns = clock_now_ns();
    deliver_returned(r);
    while (names_next(r->names, now_ns, &question))
        ask_servers(r, &question);
    loop_timer_arm(&r->timer, names_next_ns(r->names), now_ns);
    if (r->changed) {
        r->changed = false;
        r->ops.settled(r->ops.arg);
    }
}

/* --- life --- */

/* "10.0.0.2:53,[2001:db8::1]:53"; "" for the system's. NULL: no memory. */
static char *servers_text(const struct string_list *servers)
{
    size_t n = 1;
    for (size_t i = 0; i < servers->n; i++)
        n += strlen(servers->items[i]) + 1;
    char *text = calloc(1, n);
    for (size_t i = 0; text && i < servers->n; i++) {
        strcat(text, i > 0 ? "," : "");
        strcat(text, servers->items[i]);
    }
    return text;
}

int resolver_new(struct event_base *base, const struct resolver_options *options, const struct resolver_ops *ops,
                 struct metrics *metrics, struct resolver **ret_resolver)
{
    struct stat st;
    struct resolver *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->base = base;
    r->zones = options->zones;
    r->allow_loopback = options->allow_loopback;
    r->ops = *ops;
    r->servers = servers_text(options->servers);
    if (stat(RESOLV_CONF, &st) == 0)
        r->conf_changed = st.st_mtim;
    int err = r->servers ? names_new(&options->names, &r->counters, &r->names) : -ENOMEM;
    if (!err)
        err = loop_timer_init(&r->timer, base, ask, r);
    if (!err)
        err = loop_timer_init(&r->ares_timer, base, on_ares_timer, r);
    if (!err)
        err = init_ares(r);
    if (!err)
        err = metrics_add(metrics, resolver_metrics, sizeof resolver_metrics / sizeof *resolver_metrics, &r->counters);
    if (err)
        resolver_free(r);
    else
        *ret_resolver = r;
    return err;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    r->closing = true; /* what is under way is dropped */
    ares_destroy(r->ares);
    while (r->watches)
        unwatch(r, r->watches);
    loop_timer_fini(&r->ares_timer);
    loop_timer_fini(&r->timer);
    free(r->servers);
    while (r->returned) {
        struct returned *it = r->returned;
        r->returned = it->next;
        free(it);
    }
    names_free(r->names);
    free(r);
}

/* Without memory for the note the address comes with the next answer. */
static void add_returned(struct resolver *r, const char *name, const struct addresses *address)
{
    struct returned *it = address->families ? malloc(sizeof *it + strlen(name) + 1) : NULL;
    if (!it)
        return;
    it->next = r->returned;
    it->address = *address;
    strcpy(it->name, name);
    r->returned = it;
}

bool resolver_add(struct resolver *r, const char *name, const struct addresses *last)
{
    int64_t now_ns = clock_now_ns();
    const char *zone = zones_find(r->zones, name);
    if (zone) {
        metric_inc(&r->counters.refused);
        log_warning("host name %s is below our own zone %s: it is not resolved", name, zone);
        return true;
    }
    struct addresses known;
    int err = names_add(r->names, name, last, now_ns, &known);
    if (err == 1)
        add_returned(r, name, &known);
    if (err == -E2BIG && !r->full)
        log_warning("host name %s and others are not resolved: more than limits.hostnames", name);
    r->full = err == -E2BIG;
    loop_timer_arm(&r->timer, r->returned ? now_ns : names_next_ns(r->names), now_ns);
    return err != -E2BIG && err != -ENOMEM;
}

void resolver_remove(struct resolver *r, const char *name)
{
    names_remove(r->names, name, clock_now_ns());
}
