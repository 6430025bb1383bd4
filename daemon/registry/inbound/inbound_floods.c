/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that writes more than limits.host_changes is followed more slowly, alone, while there is a backlog: its records are
 * skipped, and read when it has calmed down. Else whoever comes behind them in the feed would be late, the leases of all
 * hosts among them.
 */
#include "daemon/registry/inbound/inbound_impl.h"

#define SKIPPED_MAX_NS (60 * NS_PER_S) /* after so long they are read although their host goes on */

struct kv_message inbound_without_floods(struct inbound *in, enum bus_bucket bucket, const struct kv_message *m,
                                         int64_t now_ns)
{
    struct kv_message skipped = *m;
    bool floods = write_report_heard(in->write_report, bucket, m);
    if (!floods || !m->backlog || bucket != BUS_SERVICES || m->kind != KV_PUT)
        return *m;
    metric_inc(&in->counters.skipped);
    in->skipped_ns = in->skipped_ns ? in->skipped_ns : now_ns;
    skipped.kind = KV_SKIPPED;
    skipped.n = 0;
    return skipped;
}

void inbound_skip_value(struct inbound *in, const struct instance_key *key, bool own)
{
    if (!own)
        catalog_unreadable(in->reach.catalog, key);
}

void inbound_read_skipped(struct inbound *in, int64_t now_ns)
{
    if (!in->skipped_ns || (write_report_floods(in->write_report) && now_ns - in->skipped_ns < SKIPPED_MAX_NS))
        return;
    in->skipped_ns = 0;
    follow_reread(in->followers[BUS_SERVICES].follow, now_ns);
}
