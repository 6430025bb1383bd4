/* SPDX-License-Identifier: Apache-2.0 */
/* Records of SERVICES, as the follower lets them through. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/foreign.h"
#include "daemon/registry/inbound.h"
#include "libdiscover/core/clock.h"

static void refuse_for_limit(struct daemon *d, const struct instance_key *key, const struct kv_message *m,
                             const char *why)
{
    metric_inc(&d->inbound_counters.limits_refused);
    write_report_limited(d->write_report, key->host, m, why);
}

static void put_record(struct daemon *d, const struct instance_key *key, const struct record *record,
                       const struct kv_message *m)
{
    int err = catalog_put(d->catalog, key, record);
    if (err >= 0)
        write_report_accepted(d->write_report, BUS_SERVICES, m->key, m->key_len);
    else if (catalog_limit_text(err))
        refuse_for_limit(d, key, m, catalog_limit_text(err));
    else if (err != -ESTALE)
        inbound_refuse(d, BUS_SERVICES, &d->inbound_counters.values_refused, m, strerror(-err));
}

/* Somebody has overwritten a key of this host with something else: the agent puts its record again. */
static void own_record_lost(struct daemon *d, const struct instance_key *key)
{
    if (inbound_is_own(d, key->host))
        agent_observed(d->agent, key, NULL, clock_now_ns());
}

/* A foreign record may stand under any name, ours too: it is not of this daemon, and the agent is not asked. */
static void put_foreign(struct daemon *d, const struct instance_key *key, const struct kv_message *m)
{
    struct record record;
    int64_t ttl_ns;
    char why[FOREIGN_WHY_CAP];
    if (foreign_decode(m->value, m->n, m->seq, &record, &ttl_ns, why) < 0) {
        inbound_refuse(d, BUS_SERVICES, &d->inbound_counters.values_refused, m, why);
        return;
    }
    int err = catalog_put_foreign(d->catalog, key, &record, ttl_ns, m->age_ns, clock_now_ns());
    if (err >= 0)
        write_report_accepted(d->write_report, BUS_SERVICES, m->key, m->key_len);
    if (catalog_limit_text(err))
        refuse_for_limit(d, key, m, catalog_limit_text(err));
    if (err == -ESTALE) {
        inbound_refuse(d, BUS_SERVICES, &d->inbound_counters.values_refused, m, "the key belongs to a daemon");
        own_record_lost(d, key);
    }
}

static void put_value(struct daemon *d, const struct instance_key *key, const struct kv_message *m)
{
    struct record record;
    const char *why = "larger than this daemon takes";
    if (m->kind == KV_PUT && foreign_is(m->value, m->n)) {
        put_foreign(d, key, m);
    } else if (m->kind == KV_REFUSED || record_decode(m->value, m->n, &record, &why) < 0 ||
               (why = inbound_epoch_problem(d, record.epoch))) {
        inbound_refuse(d, BUS_SERVICES, &d->inbound_counters.values_refused, m, why);
        own_record_lost(d, key);
    } else if (inbound_is_own(d, key->host)) {
        write_report_accepted(d->write_report, BUS_SERVICES, m->key, m->key_len);
        agent_observed(d->agent, key, &record, clock_now_ns());
    } else {
        put_record(d, key, &record, m);
    }
}

static int parse_key(const char *text, size_t n, struct instance_key *ret_key)
{
    return instance_key_parse(text, n, ret_key) < 0 ? foreign_key_parse(text, n, ret_key) : 0;
}

static void services_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = inbound_daemon(arg);
    struct instance_key key;
    (void)from_snapshot;
    if (parse_key(m->key, m->key_len, &key) < 0)
        inbound_refuse(d, BUS_SERVICES, &d->inbound_counters.keys_refused, m,
                       "the key is neither <domain>.<service>.<host>.<instance> nor services/<service>/<instance>");
    else
        put_value(d, &key, m);
}

static void services_remove(void *arg, const char *text, size_t n, uint64_t seq)
{
    struct daemon *d = inbound_daemon(arg);
    struct instance_key key;
    (void)seq;
    write_report_accepted(d->write_report, BUS_SERVICES, text, n);
    if (parse_key(text, n, &key) < 0)
        return; /* refused when it was put */
    if (inbound_is_own(d, key.host) && !catalog_is_foreign(d->catalog, &key))
        agent_observed(d->agent, &key, NULL, clock_now_ns());
    else
        catalog_remove(d->catalog, &key);
}

static void services_snapshot_begin(void *arg)
{
    struct inbound *f = arg;
    f->snapshot = true;
    catalog_snapshot_begin(f->daemon->catalog);
    write_report_snapshot_begin(f->daemon->write_report, BUS_SERVICES);
    agent_snapshot_begin(f->daemon->agent);
}

size_t inbound_records_unmarked(void *arg)
{
    return catalog_unmarked(inbound_daemon(arg)->catalog);
}

static void services_snapshot_end(void *arg, enum follow_end end)
{
    struct inbound *f = arg;
    struct daemon *d = f->daemon;
    f->snapshot = false;
    f->complete = end == FOLLOW_COMPLETE;
    if (end == FOLLOW_COMPLETE)
        catalog_snapshot_end(d->catalog);
    if (end != FOLLOW_ABORTED)
        write_report_snapshot_end(d->write_report, BUS_SERVICES);
    if (end == FOLLOW_RECREATED)
        log_warning("the bucket %s was made anew; keeping what is not in it until its owners have put it again",
                    d->config->registry.services_bucket);
    if (end != FOLLOW_ABORTED)
        agent_synced(d->agent, clock_now_ns());
}

void inbound_records_ops(struct follow_ops *ops)
{
    ops->apply = services_apply;
    ops->remove = services_remove;
    ops->snapshot_begin = services_snapshot_begin;
    ops->snapshot_end = services_snapshot_end;
}
