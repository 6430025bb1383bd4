/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports to systemd (sd_notify(3)) that the daemon makes progress, and its state in a sentence, if systemd has started us and
 * asks for it.
 *
 * The watchdog is fed by a timer that comes behind everything else the loop has to do, and only while all threads that were
 * given to struct watchdog turn: so a loop, a thread of the bus or of DNS that hangs ends the notices, and systemd starts
 * the daemon again.
 */
#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

/* Notices within the time that systemd allows: two may be lost, and a hanging thread has half of that time before. */
#define NOTICES     4
#define STUCK_SHARE 2

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
    struct daemon *d = arg;
    struct supervision *s = &d->supervision;
    int64_t now_ns = clock_now_ns();
    const struct progress *stuck = watchdog_stuck(&d->watchdog, now_ns);
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
    struct daemon *d = arg;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    int64_t now_ns = clock_now_ns();
    daemon_status(d, &status);
    send_status(&d->supervision, &status);
    loop_timer_arm(&d->supervision.status_timer, now_ns + NS_PER_S, now_ns);
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

int supervision_part_start(struct daemon *d)
{
    struct supervision *s = &d->supervision;
    s->interval_ns = notice_interval_ns(&d->watchdog);
    int err = loop_timer_init(&s->feed_timer, d->base, on_feed, d);
    if (!err)
        err = loop_timer_init(&s->status_timer, d->base, on_status, d);
    if (!err)
        err = metrics_add(d->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, s);
    if (err)
        return err;
    if (s->interval_ns)
        loop_timer_arm(&s->feed_timer, 0, 0);
    if (getenv("NOTIFY_SOCKET"))
        loop_timer_arm(&s->status_timer, 0, 0);
    return 0;
}

void supervision_part_stop(struct daemon *d)
{
    loop_timer_fini(&d->supervision.feed_timer);
    loop_timer_fini(&d->supervision.status_timer);
}
