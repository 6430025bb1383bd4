/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of documents, and how many of them may go in a second. */
#include "daemon/registry/events/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/base/pace.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

#define AT_ONCE 64 /* events that are published in one turn of the loop */

struct waiting {
    STAILQ_ENTRY(waiting) next;
    size_t n;
    char *text; /* allocated by jansson */
    char subject[];
};

struct events {
    struct events_reach reach;
    STAILQ_HEAD(, waiting) waiting;
    size_t n;
    uint64_t next_id;
    struct pace pace;
    struct events_counters {
        metric_value reported, published, full, name, failed, waiting;
    } counters;
};

static const struct metric metric_table[] = {
    COUNTER_OF(events_counters, reported, "discoverd_events_total",
               "Events of this host, and of others that it reports."),
    COUNTER_OF(events_counters, published, "discoverd_events_published_total", "Of these, handed to NATS."),
    COUNTER_OF(
        events_counters, full, "discoverd_events_dropped_total{reason=\"full\"}",
        "Events nobody hears of: more than limits.events_waiting, this host's name is another's, or NATS did not "
        "take them."),
    COUNTER_OF(events_counters, name, "discoverd_events_dropped_total{reason=\"name_conflict\"}", NULL),
    COUNTER_OF(events_counters, failed, "discoverd_events_dropped_total{reason=\"failed\"}", NULL),
    GAUGE_OF(events_counters, waiting, "discoverd_events_waiting", "Events that wait for their turn, or for NATS."),
};
METRICS_LISTED(metric_table)

int events_new(const struct events_reach *reach, struct events **ret_e)
{
    struct events *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->reach = *reach;
    STAILQ_INIT(&e->waiting);
    e->pace = pace_per_second(reach->config->limits.events);
    e->next_id = entropy_64();
    int err = metrics_add(reach->metrics, metric_table, sizeof metric_table / sizeof *metric_table, &e->counters);
    if (err)
        events_free(e);
    else
        *ret_e = e;
    return err;
}

static void drop_first(struct events *e)
{
    struct waiting *w = STAILQ_FIRST(&e->waiting);
    STAILQ_REMOVE_HEAD(&e->waiting, next);
    e->n--;
    free(w->text);
    free(w);
}

void events_free(struct events *e)
{
    if (!e)
        return;
    while (e->n > 0)
        drop_first(e);
    free(e);
}

bool events_wanted(const struct events *e)
{
    return e && e->reach.config->events.publish;
}

static struct waiting *make(const struct event *event)
{
    char subject[EVENT_SUBJECT_CAP];
    event_subject(event, subject);
    size_t n = strlen(subject) + 1;
    json_t *document = event_document(event);
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    struct waiting *w = text ? malloc(sizeof *w + n) : NULL;
    if (!w) {
        free(text);
        return NULL;
    }
    *w = (struct waiting){.text = text, .n = strlen(text)};
    memcpy(w->subject, subject, n);
    return w;
}

void events_report(struct events *e, const struct event *event)
{
    struct event whole = *event;
    if (!events_wanted(e))
        return;
    metric_inc(&e->counters.reported);
    whole.publisher = e->reach.config->host;
    whole.region = e->reach.config->region;
    whole.host = whole.host ? whole.host : whole.publisher;
    whole.time_ms = whole.time_ms ? whole.time_ms : clock_wall_ms();
    whole.id = whole.id ? whole.id : e->next_id++;
    struct waiting *w = e->n < e->reach.config->limits.events_waiting ? make(&whole) : NULL;
    if (!w) {
        metric_inc(&e->counters.full);
        return;
    }
    STAILQ_INSERT_TAIL(&e->waiting, w, next);
    e->n++;
}

void events_left_out(struct events *e)
{
    metric_inc(&e->counters.reported);
    metric_inc(&e->counters.full);
}

static void publish_first(struct events *e)
{
    const struct waiting *w = STAILQ_FIRST(&e->waiting);
    int err = e->reach.publish(e->reach.arg, w->subject, w->text, w->n);
    metric_inc(err < 0 ? &e->counters.failed : &e->counters.published);
    drop_first(e);
}

static void drop_all(struct events *e)
{
    while (e->n > 0) {
        metric_inc(&e->counters.name);
        drop_first(e);
    }
}

int64_t events_tick(struct events *e, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    enum events_way way = e->n > 0 ? e->reach.way(e->reach.arg) : EVENTS_SHUT;
    if (way == EVENTS_ENDED)
        drop_all(e);
    for (size_t n = 0; n < AT_ONCE && e->n > 0 && way == EVENTS_OPEN && pace_try(&e->pace, now_ns); n++)
        publish_first(e);
    if (e->n > 0 && way == EVENTS_OPEN)
        next_ns = now_ns + pace_wait_ns(&e->pace, now_ns);
    metric_set(&e->counters.waiting, e->n);
    return next_ns;
}

void events_flush(struct events *e)
{
    while (e->n > 0 && e->reach.way(e->reach.arg) == EVENTS_OPEN)
        publish_first(e);
}
