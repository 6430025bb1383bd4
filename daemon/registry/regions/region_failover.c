/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which region answers for each service that another region has, when a decision is due. */
#include "daemon/registry/regions/region_failover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/regions/region_failover_impl.h"
#include "libdiscover/core/table_key.h"

#define JITTER_PERCENT_MAX 20

static const struct metric metrics_table[] = {
    COUNTER_OF(failover_counters, switches, "discoverd_failover_switches_total",
               "Times that another region than before came to answer for a service."),
    GAUGE_OF(failover_counters, away, "discoverd_failover_services",
             "Services for which another region than the own one answers."),
};
METRICS_LISTED(metrics_table)

/* --- what is due --- */

void failover_entry_make_due(struct region_failover *f, struct failover_entry *e)
{
    if (e->due)
        return;
    e->due = true;
    e->next_due = f->due;
    f->due = e;
}

static void set_rule(const struct region_failover *f, struct failover_entry *e)
{
    const struct config *c = f->reach.config;
    size_t i = 0;
    while (i < c->n_failover_services && strcmp(c->failover_services[i].name, e->name) != 0)
        i++;
    e->rule = (struct failover_rule){.min = c->failover.min,
                                     .after_ns = c->failover.after_ns,
                                     .back_after_ns = c->failover.back_after_ns,
                                     .jitter_percent = f->jitter_percent};
    if (i < c->n_failover_services)
        e->rule.min = c->failover_services[i].min;
    e->order = &f->orders[i];
}

static struct failover_entry *add(struct region_failover *f, const char *name)
{
    bool room = deadlines_reserve(&f->deadlines, HASH_COUNT(f->entries) + 1) == 0;
    struct failover_entry *e = room ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return NULL;
    snprintf(e->name, sizeof e->name, "%s", name);
    e->failover = (struct failover){.at = FAILOVER_HOME, .forced = FAILOVER_AUTO};
    e->written = FAILOVER_HOME;
    set_rule(f, e);
    HASH_ADD_STR(f->entries, name, e);
    if (hash_added(&e->hh))
        return e;
    free(e);
    return NULL;
}

struct failover_entry *failover_entry_get(struct region_failover *f, const char *service)
{
    struct failover_entry *e;
    HASH_FIND_STR(f->entries, service, e);
    return e ? e : add(f, service);
}

void region_failover_note(struct region_failover *f, const char *service)
{
    struct failover_entry *e;
    char name[SERVICE_CAP];
    size_t n = strlen(service), length = table_key_name_bytes(service, n);
    if (!f || f->n == 0 || length == 0 || length >= sizeof name)
        return;
    memcpy(name, service, length);
    name[length] = '\0';
    bool of_other = length < n && strcmp(service + length + 1, f->reach.config->region) != 0;
    HASH_FIND_STR(f->entries, name, e);
    if (!e && of_other)
        e = add(f, name); /* no memory: the other region is still found by its name */
    if (!e)
        return;
    e->changed |= of_other;
    failover_entry_make_due(f, e);
}

/*
 * Services of other regions that the last life stored were in the table before there was anybody to note them, and may
 * never change: they are noted here.
 */
static void note_loaded(struct region_failover *f)
{
    const struct table *t = table_writer_table(catalog_table(f->reach.catalog));
    struct table_peek block;
    for (uint32_t slot = 0; slot < table_slots_used(t); slot++)
        if (table_peek(t, slot, &block) == 0 && block.kind == TABLE_SERVICE)
            region_failover_note(f, block.key);
}

static bool states_changed(struct region_failover *f)
{
    bool synced = inbound_synced_once(f->reach.inbound), changed = synced != f->synced;
    f->synced = synced;
    for (size_t i = 0; i < f->n; i++) {
        enum region_state state = region_state_of(regions_at(f->reach.regions, i));
        changed |= state != f->states[i];
        f->states[i] = state;
    }
    return changed;
}

static void collect_due(struct region_failover *f, int64_t now_ns)
{
    if (states_changed(f))
        for (struct failover_entry *e = f->entries; e; e = e->hh.next)
            failover_entry_make_due(f, e);
    for (struct deadline *d; (d = deadlines_first(&f->deadlines)) && d->at_ns <= now_ns;) {
        deadlines_clear(&f->deadlines, d);
        failover_entry_make_due(f, (struct failover_entry *)((char *)d - offsetof(struct failover_entry, deadline)));
    }
}

/* --- decisions --- */

static void forget(struct region_failover *f, struct failover_entry *e)
{
    deadlines_clear(&f->deadlines, &e->deadline);
    HASH_DEL(f->entries, e);
    free(e);
}

static void decide(struct region_failover *f, struct failover_entry *e, int64_t now_ns)
{
    struct failover_seen home = {catalog_usable_count(f->reach.catalog, e->name), f->synced},
                         others[CONFIG_REGIONS_MAX];
    for (size_t i = 0; i < e->order->all; i++) {
        const struct region *r = regions_at(f->reach.regions, e->order->at[i]);
        enum region_state state = region_state_of(r);
        size_t usable =
            /* a region that was never read whole is known in part only */
            state == REGION_NEVER ? 0 : catalog_exported_count(region_catalog(r), e->name);
        others[i] = (struct failover_seen){usable, state == REGION_LIVE};
    }
    int64_t next_ns = failover_decide(&e->failover, &e->rule, &home, others, e->order->n, now_ns);
    e->is_news |= home.known && home.usable >= e->rule.min && e->failover.at == FAILOVER_HOME;
    if (failover_entry_write(f, e, &home, now_ns) < 0)
        next_ns = now_ns + NS_PER_S;
    if (next_ns != INT64_MAX)
        deadlines_set(&f->deadlines, &e->deadline, next_ns);
    else
        deadlines_clear(&f->deadlines, &e->deadline);
    /* If the block just written has made the entry due again, it is looked at once more before it may be forgotten. */
    if (!e->due && e->written == FAILOVER_HOME && !e->by_operator.given && !regions_know(f->reach.regions, e->name))
        forget(f, e);
}

int64_t region_failover_run(struct region_failover *f, const struct loop_slice *slice, int64_t now_ns)
{
    if (!f || f->n == 0)
        return INT64_MAX;
    /* the own region's records are not all written yet: none may be counted as missing */
    if (catalog_is_dirty(f->reach.catalog))
        return now_ns;
    collect_due(f, now_ns);
    while (f->due && !loop_slice_over(slice)) {
        struct failover_entry *e = f->due;
        f->due = e->next_due;
        e->due = false;
        decide(f, e, now_ns);
    }
    return f->due ? now_ns : deadlines_next_ns(&f->deadlines);
}

/* --- life --- */

static void add_place(struct failover_order *o, size_t place)
{
    for (size_t i = 0; i < o->all; i++)
        if (o->at[i] == place)
            return;
    o->at[o->all++] = place;
}

static void add_names(const struct config *c, const struct string_list *names, struct failover_order *o)
{
    for (size_t k = 0; k < names->n; k++)
        for (size_t i = 0; i < c->n_regions; i++)
            if (strcmp(c->regions[i].name, names->items[k]) == 0)
                add_place(o, i);
}

static void add_all(const struct config *c, struct failover_order *o)
{
    for (size_t i = 0; i < c->n_regions; i++)
        add_place(o, i);
}

static void fill_orders(const struct config *c, struct failover_order *orders)
{
    for (size_t i = 0; i <= c->n_failover_services; i++) {
        struct failover_order *o = &orders[i];
        bool usual = i == c->n_failover_services;
        add_names(c, usual ? &c->failover.regions : &c->failover_services[i].regions, o);
        if (usual && c->failover.regions.n == 0)
            add_all(c, o);
        o->n = o->all;
        add_all(c, o);
    }
}

/* The hosts of a fleet are not to switch back all at once: each takes a time of its own, and always the same. */
static uint32_t jitter_of(const char *host)
{
    uint32_t hash = 5381;
    for (; *host; host++)
        hash = hash * 33 + (uint8_t)*host;
    return hash % (JITTER_PERCENT_MAX + 1);
}

int region_failover_new(const struct region_failover_reach *reach, struct region_failover **ret_f)
{
    struct region_failover *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->reach = *reach;
    f->n = reach->config->failover.enabled ? regions_count(reach->regions) : 0;
    f->jitter_percent = jitter_of(reach->config->host);
    f->orders = calloc(reach->config->n_failover_services + 1, sizeof *f->orders);
    int err = f->orders ? 0 : -ENOMEM;
    if (!err)
        err = metrics_add(reach->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &f->counters);
    if (!err) {
        fill_orders(reach->config, f->orders);
        err = failover_load_orders(f);
    }
    if (err) {
        region_failover_free(f);
        return err;
    }
    note_loaded(f);
    *ret_f = f;
    return 0;
}

void region_failover_free(struct region_failover *f)
{
    struct failover_entry *e, *next;
    if (!f)
        return;
    HASH_ITER(hh, f->entries, e, next)
    {
        HASH_DEL(f->entries, e);
        free(e);
    }
    deadlines_fini(&f->deadlines);
    free(f->orders);
    free(f);
}
