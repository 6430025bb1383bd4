/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps all instances and hosts, and notes which services a change of them touches. */
#include "daemon/catalog/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/digest.h"
#include "libdiscover/core/entry.h"

void catalog_touch(struct dirty **list, struct dirty *d)
{
    if (d->queued)
        return;
    if (d->prev) {
        d->prev->next = d->next;
        if (d->next)
            d->next->prev = d->prev;
        d->prev = NULL;
    }
    d->queued = true;
    d->next = *list;
    *list = d;
}

int catalog_new(const struct catalog_options *options, table_moved_fn *moved, void *arg, struct catalog **ret_c)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->table = options->table;
    int err = c->table ? 0 : table_writer_new(options->table_words, moved, arg, &c->table);
    if (err) {
        free(c);
        return err;
    }
    c->options = *options;
    snprintf(c->of_region, sizeof c->of_region, "%s", options->of_region ? options->of_region : "");
    c->changes.before = c->changes.last = c->went_index = options->first_index;
    snprintf(c->host, sizeof c->host, "%s", options->host);
    snprintf(c->region, sizeof c->region, "%s", options->region);
    snprintf(c->zone, sizeof c->zone, "%s", options->zone);
    *ret_c = c;
    return 0;
}

void catalog_free_service(struct catalog *c, struct service *s)
{
    if (staging_of(c, s))
        staging_end(c);
    cursors_leave_service(c, s);
    HASH_DEL(c->services, s);
    service_order_fini(&s->order);
    labels_end(&s->labels);
    free(s);
}

static void free_instance(struct instance *i)
{
    free(i->instead);
    free(i);
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    struct service *s, *next_s;
    struct domain *d, *next_d;
    struct host *h, *next_h;
    instance_index_fini(&c->instances, free_instance);
    HASH_ITER(hh, c->services, s, next_s)
    {
        catalog_free_service(c, s);
    }
    HASH_ITER(hh, c->domains, d, next_d)
    {
        HASH_DEL(c->domains, d);
        free(d);
    }
    HASH_ITER(hh, c->hosts, h, next_h)
    {
        HASH_DEL(c->hosts, h);
        hostnames_let_go(h);
        free(h);
    }
    hostnames_free(c);
    away_free(c);
    if (!c->options.table)
        table_writer_free(c->table);
    free(c->body);
    free(c->pages);
    free(c->staging.pages);
    deadlines_fini(&c->foreign.due);
    free(c);
}

struct service *service_find(const struct catalog *c, const char *name)
{
    struct service *s;
    HASH_FIND_STR(c->services, name, s);
    return s;
}

struct host *catalog_host_of(struct catalog *c, const char *name, int *ret_err)
{
    struct host *h = host_find(c, name);
    if (h)
        return h;
    if (HASH_COUNT(c->hosts) >= c->options.hosts_max) {
        *ret_err = -EUSERS;
        return NULL;
    }
    h = calloc(1, sizeof *h);
    if (!h) {
        *ret_err = -ENOMEM;
        return NULL;
    }
    snprintf(h->name, sizeof h->name, "%s", name);
    host_set_lease(h, &(struct lease){0});
    h->alive = strcmp(name, c->host) == 0;
    HASH_ADD_STR(c->hosts, name, h);
    if (!hash_added(&h->hh)) {
        free(h);
        *ret_err = -ENOMEM;
        return NULL;
    }
    catalog_touch(&c->dirty_hosts, &h->dirty); /* the next flush forgets it if it has got nothing by then */
    return h;
}

static struct domain *domain_of(struct catalog *c, const char *name)
{
    struct domain *d;
    HASH_FIND_STR(c->domains, name, d);
    if (d)
        return d;
    d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    snprintf(d->name, sizeof d->name, "%s", name);
    HASH_ADD_STR(c->domains, name, d);
    if (hash_added(&d->hh))
        return d;
    free(d);
    return NULL;
}

static struct service *new_service(struct catalog *c, const struct instance_key *key, const char *name)
{
    struct domain *d = domain_of(c, key->domain);
    struct service *s = d ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    strcpy(s->name, name);
    HASH_ADD_STR(c->services, name, s);
    if (!hash_added(&s->hh)) {
        free(s);
        return NULL;
    }
    s->domain = d;
    DL_PREPEND2(d->services, s, prev_of_domain, next_of_domain);
    d->n++;
    catalog_touch(&c->dirty_domains, &d->dirty);
    return s;
}

/* limited: the host whose instance it is for, if limits apply to it. */
static struct service *service_of(struct catalog *c, const struct instance_key *key, const struct host *limited,
                                  int *ret_err)
{
    char name[SERVICE_CAP];
    service_format(key->domain, key->service, name);
    struct service *s = service_find(c, name);
    if (s)
        return s;
    int limit = limited ? limit_of_domain(c, key->domain, limited) : 0;
    if (limit) {
        *ret_err = limit;
        return NULL;
    }
    s = new_service(c, key, name);
    if (!s)
        *ret_err = -ENOMEM;
    return s;
}

enum discover_tier catalog_tier_of(const struct catalog *c, const struct host *h)
{
    if (strcmp(h->name, c->host) == 0)
        return DISCOVER_HOST;
    if (*c->of_region)
        return DISCOVER_ELSEWHERE;
    if (strcmp(h->lease.region, c->region) != 0)
        return DISCOVER_ELSEWHERE;
    return c->zone[0] && strcmp(h->lease.zone, c->zone) == 0 ? DISCOVER_ZONE : DISCOVER_REGION;
}

/* by: 1 or -1. */
static void count_record(struct catalog *c, struct host *h, const struct instance *i, int by)
{
    c->counts.hosts_unheard -= host_is_unheard(h);
    h->records += (uint32_t)by;
    h->digest ^= i->digest;
    c->counts.hosts_unheard += host_is_unheard(h);
}

static void host_link(struct catalog *c, struct host *h, struct instance *i)
{
    DL_APPEND2(h->instances, i, prev_of_host, next_of_host);
    sweep_linked(c, i);
    h->n++;
    if (!i->ttl_ns)
        count_record(c, h, i, 1);
}

static void host_unlink(struct catalog *c, struct host *h, struct instance *i)
{
    sweep_unlinked(c, i);
    if (h->touched_at == i)
        h->touched_at = i->next_of_host;
    DL_DELETE2(h->instances, i, prev_of_host, next_of_host);
    h->n--;
    if (!i->ttl_ns)
        count_record(c, h, i, -1);
}

/* Two names may have one hash: rare by accident, possible by intent. The first one keeps it. */
static bool is_of_key(const struct instance *i, const struct instance_key *key)
{
    char name[SERVICE_CAP];
    service_format(key->domain, key->service, name);
    return strcmp(i->host->name, key->host) == 0 && strcmp(i->service->name, name) == 0 &&
           strcmp((const char *)i->details + 1, key->instance) == 0;
}

static void touch_instance(struct catalog *c, struct instance *i)
{
    instance_changed(c, i);
    catalog_touch(&c->dirty_hosts, &i->host->dirty);
}

/* What the instance takes up, its place in the order of its service included. */
static size_t instance_bytes(const struct instance *i)
{
    return sizeof *i + i->details_n + sizeof i;
}

static void unlink_instance(struct catalog *c, struct instance *i)
{
    c->instance_bytes -= instance_bytes(i);
    touch_instance(c, i);
    service_drop(i->service, i);
    host_unlink(c, i->host, i);
    hostname_unlink(c, i);
    foreign_unlink(c, i);
    instance_index_remove(&c->instances, i);
}

/* Makes the instance for a record, linked nowhere yet. */
static struct instance *new_instance(const struct instance_key *key, uint64_t id, const struct record *r)
{
    uint8_t details[ENTRY_MAX];
    size_t n = entry_write_instance(r, key->instance, details);
    struct instance *i = calloc(1, sizeof *i + n);
    if (!i)
        return NULL;
    i->epoch = r->epoch;
    i->counter = r->counter;
    i->digest = record_digest(key, r->epoch, r->counter);
    i->details_n = (uint16_t)n;
    i->unexported = r->unexported;
    memcpy(i->details, details, n);
    entry_endpoint(r, id, DISCOVER_ELSEWHERE, &i->endpoint);
    return i;
}

/* is_new: it replaces no other version. */
static int link_instance(struct catalog *c, struct instance *i, const struct instance_key *key, bool is_new)
{
    int err = -ENOMEM;
    struct host *h = catalog_host_of(c, key->host, &err);
    if (!h)
        return err;
    const struct host *limited = is_new && strcmp(h->name, c->host) != 0 ? h : NULL;
    int limit = limited ? limit_of_host(c, h, i) : 0;
    if (limit)
        return limit;
    struct service *s = service_of(c, key, limited, &err);
    if (!s)
        return err;
    if (limited && (limit = limit_of_service(c, s, h)))
        return limit;
    i->host = h;
    if ((err = instance_index_add(&c->instances, i)) < 0)
        return err;
    if (foreign_link(c, i) < 0 || hostname_link(c, i) < 0) {
        foreign_unlink(c, i);
        instance_index_remove(&c->instances, i);
        return -ENOMEM;
    }
    i->service = s;
    s->n++;
    c->instance_bytes += instance_bytes(i);
    s->unexported += i->unexported;
    i->endpoint.tier = (uint8_t)catalog_tier_of(c, h);
    host_link(c, h, i);
    return 0;
}

/*
 * Of two records of a host the one with the higher version is the newer one, whatever order they come in. Foreign
 * records have none: the order of the stream is theirs, and a bucket that was made anew begins with lower ones.
 */
static bool newer(const struct record *r, bool foreign, const struct instance *i)
{
    if (foreign && i->ttl_ns)
        return r->counter != i->counter;
    return r->epoch != i->epoch ? r->epoch > i->epoch : r->counter > i->counter;
}

/* Whether the details are as long: then the new version can take the old one's place in memory, and in every list. */
static bool same_shape(const struct instance *a, const struct instance *b)
{
    return a->details_n == b->details_n && !a->ttl_ns == !b->ttl_ns &&
           strcmp(instance_hostname(a), instance_hostname(b)) == 0;
}

static bool same_contents(const struct instance *a, const struct instance *b)
{
    return memcmp(&a->endpoint, &b->endpoint, sizeof a->endpoint) == 0 &&
           memcmp(a->details, b->details, a->details_n) == 0;
}

static void overwrite(struct catalog *c, struct instance *old, struct instance *i)
{
    bool served = instance_usable(old);
    i->endpoint.tier = old->endpoint.tier;
    if (!old->ttl_ns)
        old->host->digest ^= old->digest ^ i->digest;
    old->digest = i->digest;
    foreign_renew(c, old, i);
    instance_confirm(c, old);
    old->epoch = i->epoch;
    old->counter = i->counter;
    old->revision = i->revision;
    old->put_ns = i->put_ns;
    old->reached_us = 0;
    if (served && same_contents(old, i)) /* the same contents, written again: no answer changes */
        return;
    old->endpoint = i->endpoint;
    old->service->unexported += (uint32_t)i->unexported - old->unexported;
    old->unexported = i->unexported;
    memcpy(old->details, i->details, i->details_n);
    instance_changed(c, old);
}

/* Puts i in the place of old, and takes it over. */
static int replace(struct catalog *c, struct instance *old, struct instance *i, const struct instance_key *key)
{
    if (old && same_shape(old, i)) {
        overwrite(c, old, i);
        free(i);
        return 0;
    }
    if (old && strcmp(key->host, c->host) != 0 && !hostname_fits(c, old->host, instance_hostname(i), old)) {
        c->counts.refused_limit++;
        free(i);
        return -EMLINK; /* what was known before stays */
    }
    if (old) {
        unlink_instance(c, old);
        free_instance(old);
    }
    i->mark = c->mark;
    int err = link_instance(c, i, key, !old);
    if (err) {
        c->counts.refused_limit += catalog_limit_text(err) != NULL;
        free(i);
        return err;
    }
    touch_instance(c, i);
    return 0;
}

static bool is_same(const struct instance *old, struct instance *i)
{
    i->endpoint.tier = old->endpoint.tier;
    return i->epoch == old->epoch && i->counter == old->counter && same_shape(old, i) && same_contents(old, i);
}

/*
 * A record came that is not newer than what is known. Takes i over, which is NULL unless the record came in a snapshot: if
 * that has something else, it is kept beside what is known until the host's lease shows which of the two is right
 * (catalog_evidence.c).
 */
static int keep_known(struct catalog *c, struct instance *old, const struct record *record,
                      const struct catalog_origin *origin, struct instance *i)
{
    bool known = record->epoch == old->epoch && record->counter == old->counter;
    c->counts.ignored_old += !known;
    if (known && origin->revision) { /* the same version was put again */
        old->revision = origin->revision;
        old->put_ns = origin->put_ns;
    }
    if (i && !is_same(old, i)) {
        free(old->instead);
        old->instead = i;
    } else {
        instance_confirm(c, old);
        free(i);
    }
    return known ? 1 : -ESTALE;
}

int catalog_put_record(struct catalog *c, const struct instance_key *key, const struct record *record,
                       struct arrival how)
{
    uint64_t id = instance_id_in(key, c->of_region);
    struct instance *old = instance_index_find(&c->instances, id);
    if (old && !is_of_key(old, key))
        return -EEXIST;
    bool older = old && !newer(record, how.ttl_ns != 0, old);
    if (older && !how.in_snapshot)
        return keep_known(c, old, record, &how.origin, NULL);
    struct instance *i = new_instance(key, id, record);
    if (!i)
        return -ENOMEM;
    foreign_arrived(c, i, how.ttl_ns, how.expires_ns);
    i->revision = how.origin.revision;
    i->put_ns = how.origin.put_ns;
    hostname_resolve(c, i);
    return older ? keep_known(c, old, record, &how.origin, i) : replace(c, old, i, key);
}

struct instance_key instance_key_of(const struct instance *i)
{
    struct instance_key key = {0};
    (void)service_parse(i->service->name, key.domain, key.service); /* the name was made of two valid ones */
    memcpy(key.host, i->host->name, sizeof key.host);
    snprintf(key.instance, sizeof key.instance, "%s", (const char *)i->details + 1);
    return key;
}

int catalog_put(struct catalog *c, const struct instance_key *key, const struct record *record)
{
    return catalog_put_record(c, key, record, (struct arrival){0});
}

int catalog_put_from(struct catalog *c, const struct instance_key *key, const struct record *record, bool in_snapshot,
                     const struct catalog_origin *origin)
{
    return catalog_put_record(c, key, record, (struct arrival){.in_snapshot = in_snapshot, .origin = *origin});
}

void catalog_remove_instance(struct catalog *c, struct instance *i)
{
    unlink_instance(c, i);
    free_instance(i);
}

void instance_end(struct catalog *c, struct instance *i)
{
    struct instance *instead = i->instead;
    if (!instead) {
        catalog_remove_instance(c, i);
        return;
    }
    const struct instance_key key = instance_key_of(i);
    i->instead = NULL;
    (void)replace(c, i, instead, &key); /* -ENOMEM: it is missing until it is read again */
}

struct instance *catalog_find(const struct catalog *c, const struct instance_key *key)
{
    struct instance *i = instance_index_find(&c->instances, instance_id_in(key, c->of_region));
    return i && is_of_key(i, key) ? i : NULL;
}

void catalog_remove(struct catalog *c, const struct instance_key *key)
{
    struct instance *i = catalog_find(c, key);
    if (i)
        catalog_remove_instance(c, i);
}

struct table_writer *catalog_table(struct catalog *c)
{
    return c->table;
}
