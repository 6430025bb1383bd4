/* SPDX-License-Identifier: Apache-2.0 */
/* Lists with all details (discover.h). Any thread; allocates, and walks copies of whole blocks. */
#include <errno.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_key.h"
#include "libdiscover/context.h"
#include "libdiscover/lookup/verdict.h"

static int verdict(struct mapping *mapping)
{
    /* Not synchronised, but aged: what the daemon's last life left on disk is there. */
    bool stored = verdict_age_ns(&mapping->table) > 0;
    return table_sync(&mapping->table) == TABLE_UNSYNCED && !stored ? DISCOVER_E_UNSYNCED : verdict_quick(mapping);
}

static int error_of(int err)
{
    return err == -EBUSY || err == -EBADMSG ? verdict_unreadable(err) : err;
}

/* What is walked over: services or hosts. region: whose; "": those of the own one. */
struct walk {
    const char *region;
    discover_service_fn *service_fn; /* NULL: hosts */
    discover_host_fn *host_fn;
    void *arg;
};

/* key: without the region behind it. */
static int call_host(const struct table_view *v, const char *key, const struct walk *w)
{
    const uint8_t *bytes;
    size_t n;
    struct host_entry entry;
    if (key[0] != '@' || table_view_details(v, 0, &bytes, &n) < 0 || host_entry_read(bytes, n, &entry) < 0)
        return DISCOVER_E_PROTOCOL;
    struct discover_host host = {
        .name = key + 1,
        .region = entry.region,
        .zone = entry.zone,
        .alive = entry.alive,
        .instances = v->n_total,
    };
    addresses_to_host(&entry.addresses, &host);
    return w->host_fn(w->arg, &host);
}

static int visit(const struct table *t, uint32_t slot, struct table_view *v, const struct walk *w)
{
    int err = table_view_read(t, slot, v);
    if (err == -ENOENT || (!err && v->kind != (w->service_fn ? TABLE_SERVICE : TABLE_HOST)))
        return 0;
    if (err < 0)
        return error_of(err);
    if (!table_key_is_of(table_view_key(v), v->key_bytes, w->region))
        return 0;
    char key[TABLE_KEY_MAX + 1];
    size_t n = table_key_name_bytes(table_view_key(v), v->key_bytes);
    memcpy(key, table_view_key(v), n);
    key[n] = '\0';
    return w->service_fn ? w->service_fn(w->arg, key, v->n_first, v->n_total) : call_host(v, key, w);
}

static int walk_slots(const struct table *t, const struct walk *w)
{
    struct table_view v;
    table_view_init(&v);
    int result = 0;
    for (uint32_t slot = 0; slot < table_slots_used(t) && !result; slot++)
        result = visit(t, slot, &v, w);
    table_view_fini(&v);
    return result;
}

/* The own region may be asked for by its name, too; its keys have no region behind them. */
static int walk_region(struct mapping *mapping, struct walk *w)
{
    int known = *w->region ? verdict_region(mapping, w->region) : VERDICT_OWN_REGION;
    bool own = known == VERDICT_OWN_REGION;
    if (known < 0 && !own)
        return known;
    if (own)
        w->region = "";
    int result = walk_slots(&mapping->table, w);
    return result ? result : own ? verdict(mapping) : known;
}

static int walk(struct discover *d, struct walk w)
{
    struct mapping *mapping = mapping_enter(&d->mappings);
    if (!mapping)
        return DISCOVER_E_UNSYNCED;
    int result = walk_region(mapping, &w);
    mapping_leave(mapping);
    return result;
}

int discover_each_service(struct discover *d, discover_service_fn *fn, void *arg)
{
    return discover_each_service_in(d, "", fn, arg);
}

int discover_each_service_in(struct discover *d, const char *region, discover_service_fn *fn, void *arg)
{
    return d && region && fn ? walk(d, (struct walk){.region = region, .service_fn = fn, .arg = arg}) : -EINVAL;
}

int discover_each_host(struct discover *d, discover_host_fn *fn, void *arg)
{
    return discover_each_host_in(d, "", fn, arg);
}

int discover_each_host_in(struct discover *d, const char *region, discover_host_fn *fn, void *arg)
{
    return d && region && fn ? walk(d, (struct walk){.region = region, .host_fn = fn, .arg = arg}) : -EINVAL;
}

static int call_instance(const struct table_view *v, uint32_t i, const char *service, discover_instance_fn *fn,
                         void *arg)
{
    const uint8_t *bytes;
    size_t n;
    struct entry entry;
    if (table_view_details(v, i, &bytes, &n) < 0 || entry_read(bytes, n, &entry) < 0)
        return DISCOVER_E_PROTOCOL;
    const struct discover_instance instance = {
        .service = service,
        .host = entry.host,
        .instance = entry.instance,
        .hostname = entry.hostname,
        .zone = entry.zone,
        .region = entry.region,
        .endpoint = *table_view_endpoint(v, i),
        .usable = i < v->n_first,
        .tags = entry.tags,
        .n_tags = entry.n_tags,
        .meta = entry.meta,
        .n_meta = entry.n_meta,
    };
    return fn(arg, &instance);
}

/* The result for a list of a service's instances as a whole. */
static int verdict_of_list(struct mapping *mapping, const char *service, size_t length)
{
    struct table_failover failover;
    bool of_other = table_key_name_bytes(service, length) < length ||
                    table_failover(&mapping->table, service, length, &failover) == 0;
    return of_other ? verdict_of(mapping, service, true, 1) : verdict(mapping);
}

static int each_instance(struct mapping *mapping, const char *service, discover_instance_fn *fn, void *arg)
{
    struct table_view v;
    size_t length = verdict_key_length(&mapping->table, service);
    table_view_init(&v);
    int err = table_view_find(&mapping->table, service, length, &v);
    if (!err && v.kind != TABLE_SERVICE)
        err = -EBADMSG;
    int result = error_of(err);
    for (uint32_t i = 0; !result && i < v.n_total; i++)
        result = call_instance(&v, i, service, fn, arg);
    table_view_fini(&v);
    return result ? result : verdict_of_list(mapping, service, length);
}

int discover_each_instance(struct discover *d, const char *service, discover_instance_fn *fn, void *arg)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (!d || !service || !fn)
        return -EINVAL;
    if (service_ref_parse(service, domain, name, region) < 0)
        return DISCOVER_E_NAME;
    struct mapping *mapping = context_enter(d, service);
    if (!mapping)
        return DISCOVER_E_UNSYNCED;
    int result = each_instance(mapping, service, fn, arg);
    if (result == -ENOENT)
        result = verdict_of(mapping, service, false, 0);
    if (result == VERDICT_OWN_REGION)
        result = verdict_missing(mapping, service);
    mapping_leave(mapping);
    return result;
}
