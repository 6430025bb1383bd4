/* SPDX-License-Identifier: Apache-2.0 */
/* Records of SERVICES, as the follower lets them through. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/catalog_explain.h"
#include "daemon/catalog/foreign.h"
#include "daemon/registry/inbound/inbound_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"

#define FOREIGN_NOT_HERE "a foreign record under the name of a host that has a daemon"

static metric_value *limit_counter(struct inbound *in, int err)
{
    struct inbound_counters *c = &in->counters;
    return err == -EUSERS    ? &c->hosts_limited
           : err == -E2BIG   ? &c->services_limited
           : err == -EXFULL  ? &c->services_per_domain_limited
           : err == -ENFILE  ? &c->instances_limited
           : err == -ENOBUFS ? &c->instances_per_service_limited
           : err == -EDQUOT  ? &c->instances_per_host_limited
                             : &c->hostnames_per_host_limited;
}

static void refuse_for_limit(struct inbound *in, const struct instance_key *key, const struct kv_message *m, int err)
{
    char service[SERVICE_CAP];
    service_format(key->domain, key->service, service);
    metric_inc(&in->counters.limits_refused);
    metric_inc(limit_counter(in, err));
    if (err != -EDQUOT && err != -EMLINK) /* a limit of one host or service: room in the whole catalog would not help */
        in->full_at = catalog_counts(in->reach.catalog).instances;
    write_report_limited(&in->write_report, key->host, err == -ENOBUFS ? service : NULL, m, catalog_limit_text(err));
}

/* A change of another host, which nobody can look up before it is in the table. */
static void note_arrival(struct inbound *in, const struct instance_key *key, const struct kv_message *m,
                         bool from_snapshot)
{
    struct arrivals *a = &in->arrivals;
    if (!in->reach.agent || from_snapshot || !m->stored_ns || !a->clock.known || a->n == ARRIVALS_MAX)
        return;
    a->all[a->n].id = instance_id(key);
    a->all[a->n].stored_ns = m->stored_ns;
    a->n++;
}

void inbound_visible(struct inbound *in, int64_t now_ns)
{
    struct arrivals *a = &in->arrivals;
    for (size_t i = 0; i < a->n; i++) {
        int64_t error_ns, took_ns = server_clock_since(&a->clock, a->all[i].stored_ns, now_ns, &error_ns);
        histogram_observe(&in->counters.change_visible, took_ns);
        catalog_set_reached(in->reach.catalog, a->all[i].id, took_ns, error_ns);
    }
    a->n = 0;
}

/* err: what the catalog says of a record. Returns false where it is refused for what it says itself. */
static bool settled(struct inbound *in, const struct instance_key *key, const struct kv_message *m, bool from_snapshot,
                    const struct foreign_extras *extras, int err)
{
    if (err == 0) {
        note_arrival(in, key, m, from_snapshot);
        inbound_traced_record(in, key, m, extras);
    }
    if (err >= 0)
        write_report_accepted(&in->write_report, BUS_SERVICES, m->key, m->key_len);
    else if (catalog_limit_text(err))
        refuse_for_limit(in, key, m, err);
    return err >= 0 || catalog_limit_text(err);
}

static void put_record(struct inbound *in, const struct instance_key *key, const struct record *record,
                       const struct kv_message *m, bool from_snapshot)
{
    struct catalog_origin origin = {.revision = m->seq, .put_ns = clock_now_ns() - m->age_ns};
    int err = catalog_put_from(in->reach.catalog, key, record, from_snapshot, &origin);
    if (!settled(in, key, m, from_snapshot, NULL, err) && err != -ESTALE)
        inbound_refuse(in, BUS_SERVICES, &in->counters.values_refused, m, strerror(-err));
}

/* A value that cannot be read says nothing of its key: what is known stays. The agent writes over one of our own. */
static void refuse_value(struct inbound *in, const struct instance_key *key, bool own, const struct kv_message *m,
                         const char *why)
{
    inbound_refuse(in, BUS_SERVICES, &in->counters.values_refused, m, why);
    if (own)
        agent_observed(in->reach.agent, key, &(struct agent_seen){.seq = m->seq, .alien = true}, clock_now_ns());
    else
        catalog_unreadable(in->reach.catalog, key);
}

static void put_foreign(struct inbound *in, const struct instance_key *key, const struct kv_message *m,
                        bool from_snapshot)
{
    struct record record;
    struct foreign_extras extras;
    char why[FOREIGN_WHY_CAP];
    if (foreign_decode(m->value, m->n, m->seq, &record, &extras, why) < 0) {
        refuse_value(in, key, false, m, why);
        return;
    }
    bool dropped = m->ttl_ns && m->ttl_ns < extras.ttl_ns; /* earlier by the server, which tells nobody */
    struct foreign_life life = {
        .ttl_ns = dropped ? m->ttl_ns : extras.ttl_ns, .age_ns = m->age_ns, .in_snapshot = from_snapshot};
    int err = catalog_put_foreign(in->reach.catalog, key, &record, life, clock_now_ns());
    if (!settled(in, key, m, from_snapshot, &extras, err))
        refuse_value(in, key, false, m, err == -EPERM ? FOREIGN_NOT_HERE : strerror(-err));
}

/* A record that the server drops before its time is none that this host has put, whatever it says. */
static void put_own(struct inbound *in, const struct instance_key *key, const struct record *record,
                    const struct kv_message *m)
{
    struct agent_seen seen = {.seq = m->seq, .record = record, .bytes = m->value, .n = m->n};
    if (m->ttl_ns)
        seen = (struct agent_seen){.seq = m->seq, .alien = true};
    write_report_accepted(&in->write_report, BUS_SERVICES, m->key, m->key_len);
    agent_observed(in->reach.agent, key, &seen, clock_now_ns());
}

static void put_value(struct inbound *in, const struct instance_key *key, bool own, const struct kv_message *m,
                      bool from_snapshot)
{
    struct record record;
    const char *why = kv_no_content(m->kind);
    bool foreign = m->kind == KV_PUT && foreign_is(m->value, m->n);
    if (foreign && own)
        refuse_value(in, key, own, m, FOREIGN_NOT_HERE);
    else if (foreign)
        put_foreign(in, key, m, from_snapshot);
    else if (why || record_decode(m->value, m->n, &record, &why) < 0 || (why = inbound_epoch_problem(in, record.epoch)))
        refuse_value(in, key, own, m, why);
    else if (own)
        put_own(in, key, &record, m);
    else
        put_record(in, key, &record, m, from_snapshot);
}

/* A key of the short form belongs to no host, whatever its parts are called. */
static int parse_key(const struct inbound *in, const char *text, size_t n, struct instance_key *ret_key, bool *ret_own)
{
    bool whole = instance_key_parse(text, n, ret_key) == 0;
    if (!whole && foreign_key_parse(text, n, ret_key) < 0)
        return -EINVAL;
    *ret_own = whole && inbound_is_own(in, ret_key->host);
    return 0;
}

static void services_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct inbound *in = inbound_of(arg);
    struct instance_key key;
    bool own;
    if (parse_key(in, m->key, m->key_len, &key, &own) < 0)
        inbound_refuse(in, BUS_SERVICES, &in->counters.keys_refused, m,
                       "the key is neither <domain>.<service>.<host>.<instance> nor services/<service>/<instance>");
    else if (m->kind != KV_SKIPPED)
        put_value(in, &key, own, m, from_snapshot);
    else if (!own) /* of a record of our own the agent knows by the answers to its puts */
        catalog_unreadable(in->reach.catalog, &key);
}

static void services_remove(void *arg, const char *text, size_t n, uint64_t seq)
{
    struct inbound *in = inbound_of(arg);
    struct instance_key key;
    bool own;
    write_report_accepted(&in->write_report, BUS_SERVICES, text, n);
    if (parse_key(in, text, n, &key, &own) < 0)
        return; /* a put under this key was refused already */
    if (own)
        agent_observed(in->reach.agent, &key, &(struct agent_seen){.seq = seq}, clock_now_ns());
    else
        catalog_remove(in->reach.catalog, &key);
}

static void services_snapshot_begin(void *arg)
{
    struct follower *f = arg;
    f->snapshot = true;
    catalog_snapshot_begin(f->in->reach.catalog);
    refusals_snapshot_begin(&f->in->write_report.refusals, BUS_SERVICES);
    if (f->in->reach.agent)
        agent_snapshot_begin(f->in->reach.agent);
}

size_t inbound_records_unmarked(void *arg)
{
    return catalog_unmarked(inbound_of(arg)->reach.catalog);
}

static void services_snapshot_end(void *arg, enum follow_end end)
{
    struct follower *f = arg;
    struct inbound *in = f->in;
    f->snapshot = false;
    f->complete = end == FOLLOW_COMPLETE;
    f->read_ns = follow_resync(f->follow).snapshot_ns;
    if (end != FOLLOW_ABORTED)
        catalog_snapshot_end(in->reach.catalog, end == FOLLOW_COMPLETE);
    if (end != FOLLOW_ABORTED)
        refusals_snapshot_end(&in->write_report.refusals, BUS_SERVICES);
    if (end != FOLLOW_ABORTED)
        lost_changes_report(&f->lost, in->reach.buckets[BUS_SERVICES]);
    if (end == FOLLOW_RECREATED)
        log_warning("the bucket %s was made anew; keeping what is not in it until its owners have put it again",
                    in->reach.buckets[BUS_SERVICES]);
    if (end != FOLLOW_ABORTED && in->reach.agent)
        agent_synced(in->reach.agent, clock_now_ns());
    inbound_traced_snapshot(f, end);
}

void inbound_records_ops(struct follow_ops *ops)
{
    ops->apply = services_apply;
    ops->remove = services_remove;
    ops->snapshot_begin = services_snapshot_begin;
    ops->snapshot_end = services_snapshot_end;
}

/* As with leases, the server is asked before a record runs out: it may have been put again, and be on its way. */
int64_t inbound_records_expire(struct inbound *in, int64_t now_ns)
{
    int64_t heard_ns = liveness_heard_ns(in->liveness);
    int64_t next_ns = catalog_expire(in->reach.catalog, heard_ns, now_ns);
    return next_ns > heard_ns && next_ns <= now_ns ? liveness_probe(in->liveness, now_ns) : next_ns;
}

/* --- floods --- */

/*
 * A host that writes more than limits.host_changes is followed more slowly, alone, while there is a backlog: its records are
 * skipped, and read when it has calmed down. Else whoever comes behind them in the feed would be late, the leases of all
 * hosts among them.
 */
#define SKIPPED_MAX_NS (60 * NS_PER_S) /* after so long they are read although their host goes on */

struct kv_message inbound_without_floods(struct inbound *in, enum bus_bucket bucket, const struct kv_message *m,
                                         int64_t now_ns)
{
    struct kv_message skipped = *m;
    bool floods = write_report_heard(&in->write_report, bucket, m);
    if (!floods || !m->backlog || bucket != BUS_SERVICES || m->kind != KV_PUT)
        return *m;
    metric_inc(&in->counters.skipped);
    in->skipped_ns = in->skipped_ns ? in->skipped_ns : now_ns;
    skipped.kind = KV_SKIPPED;
    skipped.n = 0;
    return skipped;
}

void inbound_read_skipped(struct inbound *in, int64_t now_ns)
{
    if (!in->skipped_ns || (write_report_floods(&in->write_report) && now_ns - in->skipped_ns < SKIPPED_MAX_NS))
        return;
    in->skipped_ns = 0;
    follow_reread(in->followers[BUS_SERVICES].follow, now_ns);
}
