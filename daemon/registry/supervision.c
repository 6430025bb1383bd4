/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the watchdog and writes the status line. */
#include "daemon/registry/supervision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/documents/problems.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/status_message.h"

/* Of what systemd waits for: two feedings may be lost; a thread that hangs is given half of it before. */
#define FEEDINGS 4
#define PATIENCE 2

struct supervision {
    struct supervision_reach reach;
    struct loop_timer feed_timer, status_timer;
    int64_t interval_ns; /* of feeding; 0: nobody waits for it */
    bool stuck;          /* said in the log */
    metric_value unfed;
    char text[PROBLEM_TEXT_CAP]; /* as last told */
};

static const struct metric metrics_table[] = {
    COUNTER_OF(supervision, unfed, "discoverd_watchdog_unfed_total",
               "Times systemd's watchdog was not fed because a thread did not get on."),
};
METRICS_LISTED(metrics_table)

/* Said once, while there is still somebody to say it. */
static void say_stuck(struct supervision *s, const struct progress *p, int64_t now_ns)
{
    metric_inc(&s->unfed);
    if (!s->stuck)
        log_error("thread %s has not got on for %.1f s: the watchdog is not fed until it does", p->name,
                  (double)(now_ns - p->seen_ns) / 1e9);
    s->stuck = true;
}

static void feed(struct supervision *s)
{
    if (s->stuck)
        log_notice("all threads get on again");
    s->stuck = false;
    sd_notify(0, "WATCHDOG=1");
}

static void on_feed(void *arg)
{
    struct supervision *s = arg;
    int64_t now_ns = clock_now_ns();
    const struct progress *stuck = watchdog_stuck(s->reach.watchdog, now_ns);
    if (stuck)
        say_stuck(s, stuck, now_ns);
    else
        feed(s);
    loop_timer_arm(&s->feed_timer, now_ns + s->interval_ns, now_ns);
}

static void tell_status(void *arg, const struct discover_status *status)
{
    struct supervision *s = arg;
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
    (void)status_message_tell(&status, tell_status, s); /* no memory: a second later there may be some */
    loop_timer_arm(&s->status_timer, now_ns + NS_PER_S, now_ns);
}

static int64_t feeding_interval_ns(struct watchdog *watchdog)
{
    uint64_t us = 0;
    if (sd_watchdog_enabled(0, &us) <= 0)
        return 0;
    watchdog->patience_ns = (int64_t)us * NS_PER_US / PATIENCE;
    int64_t interval_ns = (int64_t)us * NS_PER_US / FEEDINGS;
    return interval_ns < NS_PER_S ? interval_ns : NS_PER_S;
}

int supervision_new(const struct supervision_reach *reach, struct supervision **ret_s)
{
    struct supervision *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    s->interval_ns = feeding_interval_ns(reach->watchdog);
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
