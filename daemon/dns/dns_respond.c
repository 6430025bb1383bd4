/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From query to reply. A prepared answer holds for as long as the slot it was made from has the same sequence, and
 * what the table vouches for is the same; answers with a SOA record also depend on the serial.
 */
#include "daemon/dns/dns_respond.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/dns/dns_answer.h"
#include "libdiscover/core/entropy.h"

/* Up to this most clients off loopback can take; those who take more are few and get answers of their own. */
#define USUAL_PAYLOAD 1232

enum transport { PLAIN_UDP, USUAL_UDP, LARGE_UDP, TCP };

struct dns_responder {
    const struct dns_config *config;
    struct dns_tables *tables;
    struct dns_counters *counters;
    struct dns_table *table; /* NULL: none yet */
    enum dns_mode mode;
    uint32_t serial;
    int64_t now_ns;
    struct dns_random random;
    struct dns_cache cache;
    struct dns_scratch scratch;
};

int dns_responder_new(const struct dns_config *config, struct dns_tables *tables, struct dns_counters *counters,
                      size_t cache_bytes, struct dns_responder **ret_r)
{
    struct dns_responder *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->config = config;
    r->tables = tables;
    r->counters = counters;
    r->random.state = config->seed ? config->seed : entropy_64();
    int err = dns_cache_init(&r->cache, cache_bytes);
    if (err)
        dns_responder_free(r);
    else
        *ret_r = r;
    return err;
}

void dns_responder_free(struct dns_responder *r)
{
    if (!r)
        return;
    dns_tables_drop(r->tables, r->table);
    dns_cache_fini(&r->cache);
    table_view_fini(&r->scratch.view);
    free(r);
}

static enum dns_mode mode_of(const struct table *t, int64_t now_ns)
{
    bool aged = table_age_ns(t, now_ns) > 0;
    if (table_sync(t) == TABLE_UNSYNCED)
        return aged ? DNS_MODE_STORED : DNS_MODE_UNSYNCED;
    return aged ? DNS_MODE_STALE : DNS_MODE_LIVE;
}

void dns_responder_begin(struct dns_responder *r, int64_t now_ns)
{
    if (dns_tables_changed(r->tables, r->table)) {
        r->table = dns_tables_change(r->tables, r->table);
        dns_cache_clear(&r->cache); /* slots have other numbers in another segment */
    }
    r->mode = DNS_MODE_UNSYNCED;
    r->serial = 1;
    r->now_ns = now_ns;
    if (!r->table)
        return;
    r->mode = mode_of(&r->table->table, now_ns);
    r->serial = table_serial(&r->table->table);
}

void dns_responder_rest(struct dns_responder *r)
{
    dns_tables_drop(r->tables, r->table);
    r->table = NULL;
    dns_cache_clear(&r->cache);
}

static void count_rcode(struct dns_counters *c, uint16_t rcode)
{
    dns_count(&c->replies[rcode == DNS_BADVERS ? DNS_COUNT_BADVERS : rcode]);
}

static size_t empty_reply(struct dns_responder *r, const struct dns_query *q, uint16_t rcode, uint8_t flags, int ede,
                          uint8_t *reply)
{
    count_rcode(r->counters, rcode);
    return dns_write_empty(q, rcode, flags, ede, r->config->udp_payload, reply);
}

/* RFC 6891 6.2.3 - 6.2.5, RFC 9715 3.1: what the client takes, and not more than our own maximum. */
static size_t reply_limit(const struct dns_responder *r, const struct dns_query *q, const struct dns_client *client,
                          size_t cap)
{
    size_t limit = DNS_UDP_MIN;
    if (client->tcp) {
        limit = DNS_MESSAGE_MAX;
    } else if (q->edns) {
        size_t own = client->loopback ? r->config->loopback_payload : r->config->udp_payload;
        limit = q->payload < own ? q->payload : own;
    }
    return limit < cap ? limit : cap;
}

static enum transport transport_of(const struct dns_query *q, const struct dns_client *client, size_t limit)
{
    if (client->tcp)
        return TCP;
    if (!q->edns)
        return PLAIN_UDP;
    return limit <= USUAL_PAYLOAD ? USUAL_UDP : LARGE_UDP;
}

static bool still_holds(const struct dns_responder *r, const struct dns_prepared *p, const struct dns_query *q,
                        size_t limit)
{
    if (p->mode != r->mode || table_slot_seq(&r->table->table, p->slot) != p->seq)
        return false;
    if (p->from_serial && p->serial != r->serial)
        return false;
    return p->whole ? dns_prepared_reply_bytes(p, q) <= limit : p->limit == limit;
}

/*
 * Whether an answer is worth keeping. Of names that are there clients ask for records that are not; but types there are
 * 65,536 of, and a client that asks for all of them must not push out what others ask for.
 */
static bool is_worth_keeping(const struct dns_prepared *p, uint16_t qtype)
{
    bool usual = qtype == DNS_TYPE_A || qtype == DNS_TYPE_AAAA || qtype == DNS_TYPE_SRV || qtype == DNS_TYPE_TXT ||
                 qtype == DNS_TYPE_PTR || qtype == DNS_TYPE_ANY;
    return p->from_slot && p->rcode == DNS_NOERROR && (usual || p->n_records > 0);
}

/* An answer made now, and kept if it is one that will hold. */
static struct dns_prepared *prepare(struct dns_responder *r, const struct dns_lookup *l)
{
    struct dns_name name;
    dns_name_read(&r->config->zones, l->query.question, &name);
    struct dns_ask ask = {
        .query = &l->query,
        .name = &name,
        .table = r->table ? &r->table->table : NULL,
        .reverse = r->config->reverse,
        .forward = dns_zones_first(&r->config->zones, false),
        .mode = r->mode,
        .serial = r->serial,
        .now_ns = r->now_ns,
        .ttl_s = r->config->ttl_s,
        .plain = l->key.class == PLAIN_UDP,
        .limit = l->limit,
        .own_address = l->client->own_address,
        .own_address_bytes = l->client->own_address_bytes,
        .random = &r->random,
    };
    struct dns_prepared *p = dns_answer(&ask, &r->scratch);
    if (is_worth_keeping(p, l->query.qtype)) {
        dns_cache_put(&r->cache, &l->key, p);
        metric_set(&r->counters->answers_bytes, dns_cache_used(&r->cache));
    }
    return p;
}

static void count_answer(struct dns_counters *c, const struct dns_prepared *p)
{
    count_rcode(c, p->rcode);
    if (p->flags & DNS_FLAG_TC)
        dns_count(&c->truncated);
    if (p->ede == DNS_EDE_STALE_ANSWER || p->ede == DNS_EDE_STALE_NXDOMAIN)
        dns_count(&c->stale);
    if (p->ede == DNS_EDE_NOT_READY)
        dns_count(&c->unsynced);
}

static size_t answer(struct dns_responder *r, const struct dns_lookup *l, uint8_t *reply)
{
    struct dns_prepared *p = l->found;
    if (l->found_at != r->cache.puts)
        p = dns_cache_find(&r->cache, &l->key);
    if (p && still_holds(r, p, &l->query, l->limit)) {
        dns_prepared_turn(p, &r->random);
        dns_count(&r->counters->prepared_hits);
    } else {
        p = prepare(r, l);
        dns_count(&r->counters->prepared_misses);
    }
    count_answer(r->counters, p);
    return dns_prepared_write(p, &l->query, r->config->udp_payload, reply);
}

void dns_lookup_begin(struct dns_responder *r, const uint8_t *packet, size_t n, const struct dns_client *client,
                      size_t cap, struct dns_lookup *ret_l)
{
    struct dns_query *q = &ret_l->query;
    dns_count(client->tcp ? &r->counters->tcp_queries : &r->counters->udp_queries);
    ret_l->client = client;
    ret_l->ignored = dns_query_parse(packet, n, q) < 0;
    if (ret_l->ignored || q->rcode != DNS_NOERROR)
        return;
    ret_l->limit = reply_limit(r, q, client, cap);
    ret_l->key = dns_cache_key(q, (uint8_t)transport_of(q, client, ret_l->limit));
    dns_cache_fetch_index(&r->cache, &ret_l->key);
}

void dns_lookup_fetch(struct dns_responder *r, const struct dns_lookup *l)
{
    if (!l->ignored && l->query.rcode == DNS_NOERROR)
        dns_cache_fetch_answer(&r->cache, &l->key);
}

/* The slot's sequence is what a prepared answer is held against. */
void dns_lookup_find(struct dns_responder *r, struct dns_lookup *l)
{
    if (l->ignored || l->query.rcode != DNS_NOERROR)
        return;
    l->found = dns_cache_find(&r->cache, &l->key);
    l->found_at = r->cache.puts;
    if (!l->found)
        return;
    const struct table *t = &r->table->table;
    __builtin_prefetch((const void *)(t->words + t->slots + (uint64_t)l->found->slot * TABLE_SLOT_WORDS));
}

size_t dns_lookup_reply(struct dns_responder *r, const struct dns_lookup *l, uint8_t *reply)
{
    const struct dns_query *q = &l->query;
    if (l->ignored) {
        dns_count(&r->counters->ignored);
        return 0;
    }
    if (q->rcode != DNS_NOERROR)
        return empty_reply(r, q, q->rcode, 0, DNS_EDE_NONE, reply);
    if (l->client->denied) {
        dns_count(&r->counters->denied);
        return empty_reply(r, q, DNS_REFUSED, 0, DNS_EDE_PROHIBITED, reply);
    }
    if (q->qclass != DNS_CLASS_IN)
        return empty_reply(r, q, DNS_REFUSED, 0, DNS_EDE_NONE, reply);
    if (l->client->slip)
        return empty_reply(r, q, DNS_NOERROR, DNS_FLAG_TC, DNS_EDE_NONE, reply);
    return answer(r, l, reply);
}

size_t dns_respond(struct dns_responder *r, const uint8_t *packet, size_t n, const struct dns_client *client,
                   uint8_t *reply, size_t cap)
{
    struct dns_lookup l;
    dns_lookup_begin(r, packet, n, client, cap, &l);
    dns_lookup_find(r, &l);
    return dns_lookup_reply(r, &l, reply);
}
