/* SPDX-License-Identifier: Apache-2.0 */
/* Reports to systemd: feeds its watchdog while all threads make progress, and sends the status line. */
#include "daemon/registry/supervision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/documents/problems.h"
#include "libdiscover/core/clock.h"

/* Notices within the time that systemd allows: two may be lost, and a hanging thread has half of that time before. */
#define NOTICES     4
#define STUCK_SHARE 2

struct supervision {
    struct supervision_reach reach;
    struct loop_timer feed_timer, status_timer;
    int64_t interval_ns; /* between notices to systemd; 0: it has no watchdog for us */
    bool stuck;          /* that a thread makes no progress was logged */
    metric_value unfed;
    char text[PROBLEM_TEXT_CAP]; /* text of the last STATUS= */
};

static const struct metric metrics_table[] = {
    COUNTER_OF(supervision, unfed, "discoverd_watchdog_unfed_total",
               "Times systemd's watchdog was not fed because a thread made no progress."),
};
METRICS_LISTED(metrics_table)

/* Logged once for each hang, and before systemd kills the daemon. */
static void log_stuck(struct supervision *s, const struct progress *p, int64_t now_ns)
{
    metric_inc(&s->unfed);
    if (!s->stuck)
        log_error("thread %s has made no progress for %.1f s: the watchdog is not fed until it does", p->name,
                  (double)(now_ns - p->seen_ns) / 1e9);
    s->stuck = true;
}

static void feed(struct supervision *s)
{
    if (s->stuck)
        log_notice("all threads make progress again");
    s->stuck = false;
    sd_notify(0, "WATCHDOG=1");
}

static void on_feed(void *arg)
{
    struct supervision *s = arg;
    int64_t now_ns = clock_now_ns();
    const struct progress *stuck = watchdog_stuck(s->reach.watchdog, now_ns);
    if (stuck)
        log_stuck(s, stuck, now_ns);
    else
        feed(s);
    loop_timer_arm(&s->feed_timer, now_ns + s->interval_ns, now_ns);
}

static void send_status(struct supervision *s, const Discover__V1__Status *status)
{
    struct problem problems[PROBLEMS_MAX];
    char text[PROBLEM_TEXT_CAP];
    size_t n = problems_of(status, problems);
    condition_sentence(status, problems, n, text);
    if (strcmp(text, s->text) == 0)
        return;
    strcpy(s->text, text);
    sd_notifyf(0, "STATUS=%s", text);
}

static void on_status(void *arg)
{
    struct supervision *s = arg;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    int64_t now_ns = clock_now_ns();
    s->reach.status(s->reach.arg, &status);
    send_status(s, &status);
    loop_timer_arm(&s->status_timer, now_ns + NS_PER_S, now_ns);
}

static int64_t notice_interval_ns(struct watchdog *watchdog)
{
    uint64_t us = 0;
    if (sd_watchdog_enabled(0, &us) <= 0)
        return 0;
    watchdog->timeout_ns = (int64_t)us * NS_PER_US / STUCK_SHARE;
    int64_t interval_ns = (int64_t)us * NS_PER_US / NOTICES;
    return interval_ns < NS_PER_S ? interval_ns : NS_PER_S;
}

int supervision_new(const struct supervision_reach *reach, struct supervision **ret_s)
{
    struct supervision *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    s->interval_ns = notice_interval_ns(reach->watchdog);
    int err = loop_timer_init(&s->feed_timer, reach->base, on_feed, s);
    if (!err)
        err = loop_timer_init(&s->status_timer, reach->base, on_status, s);
    if (!err)
        err = metrics_add(reach->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, s);
    if (err) {
        supervision_free(s);
        return err;
    }
    if (s->interval_ns)
        loop_timer_arm(&s->feed_timer, 0, 0);
    if (getenv("NOTIFY_SOCKET"))
        loop_timer_arm(&s->status_timer, 0, 0);
    *ret_s = s;
    return 0;
}

void supervision_free(struct supervision *s)
{
    if (!s)
        return;
    loop_timer_fini(&s->feed_timer);
    loop_timer_fini(&s->status_timer);
    free(s);
}
