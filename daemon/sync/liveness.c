/* SPDX-License-Identifier: Apache-2.0 */
/* The table of known hosts: the lease of each, and when it runs out. */
#include "daemon/sync/liveness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/sync/liveness_impl.h"

#define NOTIFY_PIECE 16 /* hosts, each perhaps with a look at all its records */

#define FIND_PIECE 256 /* hosts, each perhaps with a look at what is known of it */

#define LATE_TTLS 3 /* after so many, no put of a lease is under way any more: nor does the bucket keep one */

void liveness_set_deadline(struct liveness *l, struct host *h, int64_t deadline_ns)
{
    deadlines_set(&l->deadlines, &h->deadline, deadline_ns);
}

struct host *liveness_find(const struct liveness *l, const char *name)
{
    struct host *h;
    HASH_FIND_STR(l->hosts, name, h);
    return h;
}

void liveness_forget(struct liveness *l, struct host *h)
{
    deadlines_clear(&l->deadlines, &h->deadline);
    if (l->to_notify == h)
        l->to_notify = h->hh.next;
    if (l->to_count == h)
        l->to_count = h->hh.next;
    if (!host_alive(h->status))
        DL_DELETE2(l->gone, h, prev_gone, next_gone);
    HASH_DEL(l->hosts, h);
    free(h);
}

/* Makes room among the hosts that are gone and only remembered. */
static bool forget_one(struct liveness *l)
{
    if (!l->gone)
        return false;
    liveness_forget(l, l->gone);
    return true;
}

int liveness_add(struct liveness *l, const char *name, struct host **ret_host)
{
    size_t len = strlen(name);
    if (!label_valid(name, len))
        return -EINVAL;
    if (HASH_COUNT(l->hosts) >= l->options.max_hosts && !forget_one(l))
        return -ENOSPC;
    bool room = deadlines_reserve(&l->deadlines, HASH_COUNT(l->hosts) + 1) == 0;
    struct host *h = room ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return -ENOMEM;
    memcpy(h->name, name, len + 1);
    HASH_ADD_STR(l->hosts, name, h);
    if (!hash_added(&h->hh)) {
        free(h);
        return -ENOMEM;
    }
    h->status = HOST_EXPIRED;
    DL_APPEND2(l->gone, h, prev_gone, next_gone);
    liveness_set_deadline(l, h, INT64_MAX);
    *ret_host = h;
    return 0;
}

/*
 * Whether the host's new min_epoch may be reported: the records that replace those of older epochs are here, or the host
 * was not served and so has nothing to lose.
 */
static bool min_epoch_counts(const struct liveness *l, const struct host *h, bool was_alive)
{
    bool raised = h->lease.min_epoch > h->min_epoch, read_since = h->raised_ns < l->read_ns;
    return l->records_known && (!raised || !was_alive || read_since || !l->options.has_records ||
                                l->options.has_records(l->arg, h->name, &h->lease));
}

static void notify(struct liveness *l, struct host *h)
{
    struct lease lease = h->lease;
    lease.min_epoch = h->min_epoch;
    l->events.host_changed(l->arg, h->name, &lease, h->status);
}

void liveness_notify_guard(const struct liveness *l)
{
    l->events.guard(l->arg, l->held, l->guard_until_ns,
                    "more hosts fell silent together than are likely to have died together");
}

void liveness_set_status(struct liveness *l, struct host *h, enum host_status status)
{
    bool was_alive = host_alive(h->status), was_held = h->status == HOST_HELD;
    bool held = status == HOST_HELD;
    if (status == HOST_ALIVE && h->status != HOST_ALIVE)
        h->alive_ns = h->heard_ns;
    h->status = status;
    if (was_alive && !host_alive(status))
        DL_APPEND2(l->gone, h, prev_gone, next_gone);
    else if (!was_alive && host_alive(status))
        DL_DELETE2(l->gone, h, prev_gone, next_gone);
    l->alive = l->alive - was_alive + host_alive(status);
    l->held = l->held - was_held + held;
    if (min_epoch_counts(l, h, was_alive))
        h->min_epoch = h->lease.min_epoch;
    notify(l, h);
    if (held == was_held)
        return;
    if (l->held == 0)
        l->guard_until_ns = l->held_ttl_ns = 0;
    liveness_notify_guard(l);
}

void liveness_end(struct liveness *l, struct host *h, enum host_status status, int64_t now_ns)
{
    metric_inc(status == HOST_LEFT ? &l->counters.left : &l->counters.expired);
    liveness_set_deadline(l, h, now_ns + LATE_TTLS * ttl_ns(h));
    liveness_set_status(l, h, status);
}

void liveness_set_whole(struct liveness *l, bool whole)
{
    l->whole = whole;
}

void liveness_set_records_known(struct liveness *l, bool known, int64_t read_ns)
{
    if (l->records_known == known)
        return;
    l->records_known = known;
    l->read_ns = read_ns;
    l->to_notify = known ? l->hosts : NULL;
    liveness_notify_some(l);
}

void liveness_notify_some(struct liveness *l)
{
    for (size_t n = 0; l->to_notify && n < NOTIFY_PIECE; n++) {
        struct host *h = l->to_notify;
        l->to_notify = h->hh.next;
        if (h->min_epoch == h->lease.min_epoch || !min_epoch_counts(l, h, host_alive(h->status)))
            continue;
        h->min_epoch = h->lease.min_epoch;
        notify(l, h);
    }
}

int liveness_find_some(const struct liveness *l, int64_t now_ns, liveness_is_fn *is, void *arg,
                       char next[static LABEL_CAP])
{
    const struct host *h = liveness_find(l, next);
    if (!h)
        h = l->hosts;
    bool found = false;
    for (size_t n = 0; h && n < FIND_PIECE && !found; n++) {
        found = h->status == HOST_ALIVE && h->heard_ns + ttl_ns(h) > now_ns && is(arg, h->name, &h->lease);
        h = found ? h : h->hh.next;
    }
    snprintf(next, LABEL_CAP, "%s", h ? h->name : "");
    return found ? 1 : h ? -EAGAIN : 0;
}

/* ---- life ---- */

struct liveness_stats liveness_stats(const struct liveness *l)
{
    return (struct liveness_stats){.hosts = HASH_COUNT(l->hosts), .alive = l->alive, .held = l->held};
}

static const struct metric metric_table[] = {
    COUNTER_OF(counters, applied, "discoverd_leases_total{result=\"applied\"}",
               "Leases of other hosts: news, no news, of a life older than the one known under the host's name, or "
               "over limits.hosts."),
    COUNTER_OF(counters, old, "discoverd_leases_total{result=\"old\"}", NULL),
    COUNTER_OF(counters, ignored, "discoverd_leases_total{result=\"ignored\"}", NULL),
    COUNTER_OF(counters, refused, "discoverd_leases_total{result=\"refused\"}", NULL),
    COUNTER_OF(counters, believed, "discoverd_leases_believed_total",
               "Leases of an older life, believed after all because they went on being renewed."),
    COUNTER_OF(counters, left, "discoverd_hosts_ended_total{cause=\"left\"}",
               "Hosts that said good-bye, or whose lease ran out."),
    COUNTER_OF(counters, expired, "discoverd_hosts_ended_total{cause=\"expired\"}", NULL),
    COUNTER_OF(counters, guarded, "discoverd_hosts_guarded_total",
               "Hosts kept although their lease ran out, as too many did."),
};
METRICS_LISTED(metric_table)

const char *host_status_word(enum host_status s)
{
    static const char *const words[] = {
        [HOST_ALIVE] = "alive", [HOST_HELD] = "kept", [HOST_LEFT] = "left", [HOST_EXPIRED] = "expired"};
    return words[s];
}

int liveness_add_metrics(struct liveness *l, struct metrics *m)
{
    return metrics_add(m, metric_table, sizeof metric_table / sizeof *metric_table, &l->counters);
}

void liveness_free(struct liveness *l)
{
    struct host *h, *next;
    if (!l)
        return;
    HASH_ITER(hh, l->hosts, h, next)
    {
        HASH_DEL(l->hosts, h);
        free(h);
    }
    deadlines_fini(&l->deadlines);
    free(l);
}

int liveness_new(const struct liveness_options *options, const struct liveness_events *events, void *arg,
                 struct liveness **ret_l)
{
    struct liveness *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->options = *options;
    l->events = *events;
    l->arg = arg;
    l->whole = l->records_known = true;
    *ret_l = l;
    return 0;
}

int liveness_host(const struct liveness *l, const char *host, struct liveness_host *ret_host)
{
    const struct host *h = liveness_find(l, host);
    if (!h)
        return -ENOENT;
    *ret_host = (struct liveness_host){.status = h->status,
                                       .lease = h->lease,
                                       .heard_ns = h->heard_ns,
                                       .deadline_ns = liveness_deadline_ns(l, h),
                                       .ignored = h->ignored.lease,
                                       .ignored_ns = h->ignored.since_ns ? h->ignored.heard_ns : 0};
    return 0;
}
