/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps host names resolved. */
#include "daemon/resolver/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/zones.h"
#include "daemon/resolver/channel.h"
#include "libdiscover/core/clock.h"

/* A name that came back, with what it is known to resolve to: reported from the loop, not from within resolver_add. */
struct returned {
    struct returned *next;
    struct addresses address;
    char name[];
};

struct resolver {
    const struct string_list *zones;
    struct resolver_ops ops;
    struct names_counters counters;
    struct names *names;
    struct channel *channel;
    struct loop_timer timer;
    struct returned *returned;
    bool changed; /* something has changed since ops.settled was called last */
    bool full;    /* that there are too many names was logged */
};

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

static uint32_t random32(void)
{
    uint32_t value = 0;
    (void)!getrandom(&value, sizeof value, GRND_NONBLOCK);
    return value;
}

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

static void answered(void *arg, const struct names_question *question, const struct names_answer *answer,
                     const char *why)
{
    struct resolver *r = arg;
    struct addresses address = {0};
    enum names_news news;
    if (names_answered(r->names, question, answer, random32(), clock_now_ns(), &address, &news)) {
        r->ops.resolved(r->ops.arg, question->name, &address);
        r->changed = true;
    }
    log_news(r, question->name, address.families != 0, news, why);
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
        channel_ask(r->channel, &question);
    loop_timer_arm(&r->timer, names_next_ns(r->names), now_ns);
    if (r->changed) {
        r->changed = false;
        r->ops.settled(r->ops.arg);
    }
}

static int servers_text(const struct string_list *servers, char **ret_text)
{
    size_t n = 1;
    for (size_t i = 0; i < servers->n; i++)
        n += strlen(servers->items[i]) + 1;
    char *text = calloc(1, n);
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < servers->n; i++) {
        strcat(text, i > 0 ? "," : "");
        strcat(text, servers->items[i]);
    }
    *ret_text = text;
    return 0;
}

static int open_channel(struct resolver *r, struct event_base *base, const struct resolver_options *options)
{
    const struct channel_events events = {.arg = r, .answered = answered, .settled = ask};
    char *text = NULL;
    int err = servers_text(options->servers, &text);
    if (!err)
        err = channel_new(base, text, options->allow_loopback, &events, &r->channel);
    free(text);
    return err;
}

int resolver_new(struct event_base *base, const struct resolver_options *options, const struct resolver_ops *ops,
                 struct metrics *metrics, struct resolver **ret_resolver)
{
    struct resolver *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->zones = options->zones;
    r->ops = *ops;
    int err = names_new(&options->names, &r->counters, &r->names);
    if (!err)
        err = loop_timer_init(&r->timer, base, ask, r);
    if (!err)
        err = open_channel(r, base, options);
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
    channel_free(r->channel);
    loop_timer_fini(&r->timer);
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
