/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another region that does not answer, and of which nothing is known: what its mirror here has, as what the last life stored is
 * (remembered.h). Leases first: who has none there is foreign.
 */
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/foreign.h"
#include "daemon/registry/inbound/inbound_impl.h"

static void ask_for(struct inbound *in, enum bus_bucket bucket)
{
    in->mirror_read = in->reach.order(in->reach.arg, BUS_REMEMBER, bucket) == 0 ? MIRROR_READING : MIRROR_READ;
}

void inbound_mirror_read(struct inbound *in)
{
    if (in->mirror_read == MIRROR_UNREAD && in->region.state == REGION_NEVER)
        ask_for(in, BUS_HOSTS);
}

/* The host lived when the newest message of the mirror was put; nobody vouches for it until its region is heard. */
static void take_host(struct inbound *in, const struct kv_message *m)
{
    struct lease lease;
    char host[LABEL_CAP];
    const char *why;
    if (label_copy(host, m->key, m->key_len) < 0 || m->kind != KV_PUT || lease_decode(m->value, m->n, &lease, &why) < 0)
        return;
    bool alive = !lease.leaving && m->age_ns < (int64_t)lease.ttl_ms * NS_PER_MS;
    lease.epoch = lease.counter = 0;
    lease.ttl_ms = 0;
    (void)catalog_set_host(in->reach.catalog, host, &lease, alive, clock_now_ns());
}

static void take_foreign(struct inbound *in, const struct instance_key *key, const struct kv_message *m)
{
    struct record record;
    struct foreign_extras extras;
    char why[FOREIGN_WHY_CAP];
    if (foreign_decode(m->value, m->n, m->seq, &record, &extras, why) < 0)
        return;
    struct foreign_life life = {.ttl_ns = extras.ttl_ns, .age_ns = m->age_ns, .in_snapshot = true};
    if (life.age_ns < life.ttl_ns)
        (void)catalog_put_foreign(in->reach.catalog, key, &record, life, clock_now_ns());
}

static void take_record(struct inbound *in, const struct kv_message *m)
{
    struct instance_key key;
    struct record record;
    const char *why;
    if (m->kind != KV_PUT ||
        (instance_key_parse(m->key, m->key_len, &key) < 0 && foreign_key_parse(m->key, m->key_len, &key) < 0))
        return;
    if (foreign_is(m->value, m->n))
        take_foreign(in, &key, m);
    else if (record_decode(m->value, m->n, &record, &why) == 0)
        (void)catalog_put(in->reach.catalog, &key, &record);
}

/* Takes a message of the mirror, unless the region itself has been heard meanwhile: that is newer. */
void inbound_remembered(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    struct inbound *in = arg;
    if (in->region.state != REGION_NEVER)
        return;
    if (bucket == BUS_HOSTS)
        take_host(in, m);
    else
        take_record(in, m);
}

void inbound_remembered_end(void *arg, enum bus_bucket bucket, int err, int64_t newest_ns)
{
    struct inbound *in = arg;
    in->mirror_read = err ? MIRROR_UNREAD : MIRROR_READ;
    if (err || in->region.state != REGION_NEVER)
        return;
    if (bucket == BUS_HOSTS) {
        ask_for(in, BUS_SERVICES);
        return;
    }
    log_notice("region %s: does not answer; its mirror has %zu instances", in->reach.region,
               catalog_counts(in->reach.catalog).instances);
    in->reach.remembered(in->reach.arg, newest_ns);
    inbound_remember(in);
}
