/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what DNS answered for one service, and when to ask again. */
#include "libdiscover/dns/dns_lookup.h"

#include <string.h>

#include "libdiscover/dns/dns_table.h"

/* TTL 0 is "for this transaction only" (RFC 2181 8), which look-ups that do not wait cannot honour to the letter. */
#define TTL_MIN_S 1
#define TTL_MAX_S 3600

void dns_service_init(struct dns_service *s, const char *key, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    strcpy(s->key, key);
    retry_init(&s->retry, seed);
    dns_answer_init(&s->answer);
}

void dns_service_fini(struct dns_service *s)
{
    mappings_fini(&s->mappings);
    dns_answer_fini(&s->answer);
}

/* Marks the table of what is known with how sure that is from now on. */
static void vouch(const struct dns_service *s, const struct table *t, bool stale, int64_t now_ns)
{
    if (!stale)
        dns_table_vouch(t, TABLE_LIVE, s->late_ns);
    else
        dns_table_vouch(t, TABLE_STALE, s->true_ns ? s->true_ns : now_ns);
}

static bool take(struct dns_service *s, const struct dns_answer *a, int64_t now_ns)
{
    struct mapping *mapping = atomic_load(&s->mappings.current);
    struct lookup_key key;
    struct table table;
    if (lookup_key_parse(s->key, &key) < 0 || dns_table_make(&key, a, &table) < 0) {
        dns_service_failed(s, now_ns);
        return false;
    }
    bool same = mapping && table_sync(&mapping->table) != TABLE_UNSYNCED && dns_table_same(&mapping->table, &table);
    vouch(s, same ? &mapping->table : &table, a->stale, now_ns);
    if (same || mappings_install(&s->mappings, &table) < 0)
        table_unmap(&table);
    return !same;
}

bool dns_service_answered(struct dns_service *s, const struct dns_answer *a, int64_t now_ns)
{
    if (a->outcome == DNS_FAILED) {
        dns_service_failed(s, now_ns);
        return false;
    }
    uint32_t ttl_s = a->ttl_s < TTL_MIN_S ? TTL_MIN_S : a->ttl_s;
    if (ttl_s > TTL_MAX_S)
        ttl_s = TTL_MAX_S;
    s->due_ns = now_ns + ttl_s * NS_PER_S;
    s->late_ns = s->due_ns + DNS_GRACE_NS;
    if (!a->stale)
        s->true_ns = now_ns;
    retry_reset(&s->retry);
    return take(s, a, now_ns);
}

void dns_service_failed(struct dns_service *s, int64_t now_ns)
{
    retry_schedule(&s->retry, now_ns);
    s->due_ns = s->retry.due_ns;
    dns_service_late(s, now_ns);
}

void dns_service_late(struct dns_service *s, int64_t now_ns)
{
    struct mapping *mapping = atomic_load(&s->mappings.current);
    if (mapping && dns_table_any(&mapping->table))
        vouch(s, &mapping->table, true, now_ns);
    else if (mapping)
        dns_table_vouch(&mapping->table, TABLE_UNSYNCED, 0);
}
