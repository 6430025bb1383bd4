/* SPDX-License-Identifier: Apache-2.0 */
/* Collects refused values and floods, for the log, the status and the metrics. */
#include "daemon/registry/write_report.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/foreign.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

#define LEASE_AGES 3 /* a lease stays in its bucket for so many lease TTLs at most */

static const struct metric metrics_table[] = {
    GAUGE_OF(write_report_counters, refused_keys, "discoverd_feed_refused_keys",
             "Keys whose value stands refused now, of those refused last."),
    COUNTER_OF(write_report_counters, floods, "discoverd_feed_floods_total",
               "Times a host began to write more than limits.host_changes."),
    GAUGE_OF(write_report_counters, flooding_hosts, "discoverd_feed_flooding_hosts",
             "Hosts that write more than limits.host_changes now."),
};
METRICS_LISTED(metrics_table)

int write_report_init(struct write_report *p, const struct config *config,
                      const char *const buckets[static BUS_BUCKETS], struct metrics *metrics)
{
    *p = (struct write_report){.config = config, .buckets = buckets};
    return metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &p->counters);
}

/* --- who writes how much --- */

/* The host that a key names; "" when it names none. */
static void host_of(enum bus_bucket bucket, const struct kv_message *m, char ret_host[static LABEL_CAP])
{
    struct instance_key key;
    ret_host[0] = '\0';
    if (bucket == BUS_HOSTS)
        (void)label_copy(ret_host, m->key, m->key_len);
    else if (instance_key_parse(m->key, m->key_len, &key) == 0 || foreign_key_parse(m->key, m->key_len, &key) == 0)
        memcpy(ret_host, key.host, sizeof key.host);
}

bool write_report_heard(struct write_report *p, enum bus_bucket bucket, const struct kv_message *m)
{
    char host[LABEL_CAP];
    host_of(bucket, m, host);
    uint64_t allowed = (uint64_t)p->config->limits.host_changes * TOP_WRITERS_SPAN_S;
    return top_writers_heard(&p->top_writers, host) > allowed;
}

static const char *name_of(const struct top_writer *writer)
{
    return writer->host[0] ? writer->host : "(keys that name no host)";
}

static void on_flood(void *arg, const struct top_writer *writer)
{
    struct write_report *p = arg;
    if (!writer->floods) {
        log_notice("host %s does not flood the buckets any more", name_of(writer));
        return;
    }
    if (writer->floods_s <= 1)
        metric_inc(&p->counters.floods);
    log_warning("host %s floods the buckets: %u changes in the last %d s; limits.host_changes is %u a second",
                name_of(writer), writer->changes, TOP_WRITERS_SPAN_S, p->config->limits.host_changes);
}

static size_t count_floods(const struct top_writers *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->all[i].floods;
    return n;
}

bool write_report_floods(const struct write_report *p)
{
    return count_floods(&p->top_writers) > 0;
}

/* --- what was refused --- */

void write_report_accepted(struct write_report *p, enum bus_bucket bucket, const char *key, size_t key_len)
{
    refusals_clear(&p->refusals, (uint8_t)bucket, key, key_len);
}

static void note(struct write_report *p, const struct refused *what)
{
    uint64_t unlogged = 0;
    char others[64] = "";
    if (!refusals_note(&p->refusals, what, clock_now_ns(), &unlogged))
        return;
    if (unlogged)
        snprintf(others, sizeof others, "; %llu more that are not logged before it", (unsigned long long)unlogged);
    log_warning("%s %.*s: %s (revision %llu); ignored%s", p->buckets[what->bucket], (int)what->key_len, what->key,
                what->reason, (unsigned long long)what->seq, others);
}

void write_report_refused(struct write_report *p, enum bus_bucket bucket, const struct kv_message *m, const char *why)
{
    note(p, &(struct refused){(uint8_t)bucket, m->key, m->key_len, why, m->seq, m->age_ns});
}

#define ALL_OF_CAP (SERVICE_CAP + sizeof "*.*..*")

static size_t all_of(const char *host, char ret_key[static ALL_OF_CAP])
{
    return (size_t)snprintf(ret_key, ALL_OF_CAP, "*.*.%s.*", host);
}

static size_t all_of_service(const char *service, char ret_key[static ALL_OF_CAP])
{
    size_t n = (size_t)snprintf(ret_key, ALL_OF_CAP, "%s.*.*", service);
    ret_key[strcspn(ret_key, "/")] = '.';
    return n;
}

void write_report_limited(struct write_report *p, const char *host, const char *service, const struct kv_message *m,
                          const char *why)
{
    char key[ALL_OF_CAP];
    size_t n = service ? all_of_service(service, key) : all_of(host, key);
    note(p, &(struct refused){BUS_SERVICES, key, n, why, m->seq, m->age_ns});
}

void write_report_within_limits(struct write_report *p, const char *host)
{
    char key[ALL_OF_CAP];
    if (p->refusals.n > 0)
        refusals_clear(&p->refusals, BUS_SERVICES, key, all_of(host, key));
}

/* --- both --- */

void write_report_second(struct write_report *p, int64_t now_ns)
{
    top_writers_second(&p->top_writers, p->config->limits.host_changes, on_flood, p);
    refusals_forget(&p->refusals, BUS_SERVICES, now_ns - p->config->registry.record_ttl_ns);
    refusals_forget(&p->refusals, BUS_HOSTS, now_ns - LEASE_AGES * p->config->registry.lease_ttl_ns);
    metric_set(&p->counters.refused_keys, p->refusals.n);
    metric_set(&p->counters.flooding_hosts, count_floods(&p->top_writers));
}

static void fill_refusals(struct write_report *p, int64_t now_ns)
{
    for (size_t i = 0; i < p->refusals.n; i++) {
        struct refusal *from = &p->refusals.all[i];
        Discover__V1__Refusal *to = p->refusal_list[i] = &p->refusal[i];
        discover__v1__refusal__init(to);
        to->bucket = (char *)p->buckets[from->bucket];
        to->key = from->key;
        to->reason = from->reason;
        to->count = from->count;
        to->age_ms = (now_ns - from->last_ns) / NS_PER_MS;
    }
}

static size_t fill_top_writers(struct write_report *p)
{
    const struct top_writer *top[TOP_WRITERS_SHOWN];
    size_t n = top_writers_top(&p->top_writers, TOP_WRITERS_SPAN_S, top, TOP_WRITERS_SHOWN);
    for (size_t i = 0; i < n; i++) {
        Discover__V1__TopWriter *to = p->top_writer_list[i] = &p->top_writer[i];
        discover__v1__top_writer__init(to);
        to->host = (char *)top[i]->host;
        to->changes = top[i]->changes;
        to->floods = top[i]->floods;
    }
    return n;
}

void write_report_status(struct write_report *p, int64_t now_ns, Discover__V1__Status *ret_status)
{
    fill_refusals(p, now_ns);
    ret_status->n_refused = p->refusals.n;
    ret_status->refused = p->refusal_list;
    ret_status->n_top_writers = fill_top_writers(p);
    ret_status->top_writers = p->top_writer_list;
}
