/* SPDX-License-Identifier: Apache-2.0 */
/* Services that another region has, those of them that are due, and what is written of them. */
#include "daemon/registry/region_failover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/base/log.h"
#include "daemon/catalog/table_copy.h"
#include "daemon/sync/failover.h"
#include "libdiscover/core/table_key.h"

#define JITTER_PERCENT_MAX 20

struct failover_counters {
    metric_value switches, away;
};

/* Places of regions in the configuration, the first to answer first. */
struct failover_order {
    size_t n;
    size_t at[CONFIG_REGIONS_MAX];
};

struct entry {
    UT_hash_handle hh; /* by name */
    struct entry *next_due;
    struct deadline deadline;
    struct failover failover;
    struct failover_rule rule;
    const struct failover_order *order;
    int written; /* in that order: whose instances stand under its name; FAILOVER_HOME */
    bool due;
    bool copy; /* what that one has may have changed */
    char name[SERVICE_CAP];
};

struct region_failover {
    struct region_failover_reach reach;
    struct failover_counters counters;
    struct entry *entries, *due; /* due: a stack */
    struct deadlines deadlines;
    struct table_view view;
    size_t n;                      /* regions; 0: nothing is to be done */
    struct failover_order *orders; /* of failover_services, and behind them that of all others */
    enum region_state *states;     /* as they were when all entries were last due for it */
    bool synced;
    uint32_t jitter_percent;
};

static const struct metric metrics_table[] = {
    COUNTER_OF(failover_counters, switches, "discoverd_failover_switches_total",
               "Times that another region than before came to answer for a service."),
    GAUGE_OF(failover_counters, away, "discoverd_failover_services",
             "Services for which another region than the own one answers."),
};
METRICS_LISTED(metrics_table)

/* --- what is due --- */

static void make_due(struct region_failover *f, struct entry *e)
{
    if (e->due)
        return;
    e->due = true;
    e->next_due = f->due;
    f->due = e;
}

static void set_rule(const struct region_failover *f, struct entry *e)
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

static struct entry *add(struct region_failover *f, const char *name)
{
    bool room = deadlines_reserve(&f->deadlines, HASH_COUNT(f->entries) + 1) == 0;
    struct entry *e = room ? calloc(1, sizeof *e) : NULL;
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

void region_failover_note(struct region_failover *f, const char *service)
{
    struct entry *e;
    char name[SERVICE_CAP];
    size_t n = strlen(service), length = table_key_name_bytes(service, n);
    if (!f || f->n == 0 || length == 0 || length >= sizeof name)
        return;
    memcpy(name, service, length);
    name[length] = '\0';
    bool of_other = length < n && strcmp(service + length + 1, f->reach.config->region) != 0;
    HASH_FIND_STR(f->entries, name, e);
    if (!e && of_other)
        e = add(f, name); /* no memory: the region is still asked for by name */
    if (!e)
        return;
    e->copy |= of_other;
    make_due(f, e);
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
        for (struct entry *e = f->entries; e; e = e->hh.next)
            make_due(f, e);
    for (struct deadline *d; (d = deadlines_first(&f->deadlines)) && d->at_ns <= now_ns;) {
        deadlines_clear(&f->deadlines, d);
        make_due(f, (struct entry *)((char *)d - offsetof(struct entry, deadline)));
    }
}

/* --- what is written --- */

static const char *region_of(const struct region_failover *f, const struct entry *e, int at)
{
    return at == FAILOVER_HOME ? f->reach.config->region : region_name(regions_at(f->reach.regions, e->order->at[at]));
}

static int write_mark(struct region_failover *f, const struct entry *e, int64_t now_ns)
{
    char key[SERVICE_CAP + 1] = "=";
    uint64_t words[TABLE_FAILOVER_WORDS] = {[TABLE_F_SINCE] = (uint64_t)now_ns};
    snprintf((char *)(words + TABLE_F_REGION), (TABLE_FAILOVER_WORDS - TABLE_F_REGION) * sizeof *words, "%s",
             region_of(f, e, e->failover.at));
    strcpy(key + 1, e->name);
    return table_writer_put(catalog_table(f->reach.catalog), TABLE_FAILOVER, key, strlen(key), 0, 0, words,
                            TABLE_FAILOVER_WORDS);
}

static void remove_mark(struct region_failover *f, const struct entry *e)
{
    char key[SERVICE_CAP + 1] = "=";
    strcpy(key + 1, e->name);
    table_writer_remove(catalog_table(f->reach.catalog), key, strlen(key));
}

static int write_copy(struct region_failover *f, struct entry *e)
{
    char from[SERVICE_REF_CAP];
    snprintf(from, sizeof from, "%s@%s", e->name, region_of(f, e, e->failover.at));
    return table_copy_service(catalog_table(f->reach.catalog), from, e->name, &f->view);
}

/* What stands under the name is whole all the time: that of the own region goes elsewhere first, and comes back last. */
static int write_away(struct region_failover *f, struct entry *e, int64_t now_ns)
{
    bool moves = e->written != e->failover.at;
    int err = catalog_set_away(f->reach.catalog, e->name, true);
    if (!err && moves)
        err = write_mark(f, e, now_ns);
    int copied = err < 0 ? err : write_copy(f, e);
    if (copied > 0 || moves)
        table_writer_bump_serial(catalog_table(f->reach.catalog));
    return copied;
}

static void write_home(struct region_failover *f, struct entry *e)
{
    (void)catalog_set_away(f->reach.catalog, e->name, false);
    remove_mark(f, e);
    table_writer_bump_serial(catalog_table(f->reach.catalog));
}

static void tell(struct region_failover *f, const struct entry *e, const struct failover_seen *home)
{
    metric_inc(&f->counters.switches);
    if (e->failover.at == FAILOVER_HOME)
        log_notice("%s: the own region answers again, with %zu usable instances", e->name, home->usable);
    else
        log_warning("%s: region %s answers from now on; here %zu instances are usable", e->name,
                    region_of(f, e, e->failover.at), home->usable);
}

/* A negative errno: not written, to be tried again. */
static int write(struct region_failover *f, struct entry *e, const struct failover_seen *home, int64_t now_ns)
{
    bool moves = e->written != e->failover.at;
    int err = 0;
    if (!moves && (e->failover.at == FAILOVER_HOME || !e->copy))
        return 0;
    if (e->failover.at == FAILOVER_HOME)
        write_home(f, e);
    else
        err = write_away(f, e, now_ns);
    if (err < 0)
        return err;
    e->copy = false;
    if (moves) {
        tell(f, e, home);
        metric_set(&f->counters.away,
                   metric_get(&f->counters.away) - (e->written != FAILOVER_HOME) + (e->failover.at != FAILOVER_HOME));
    }
    e->written = e->failover.at;
    f->reach.service_changed(f->reach.arg, e->name);
    return 0;
}

/* --- decisions --- */

static bool is_known_elsewhere(const struct region_failover *f, const struct entry *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (region_knows(regions_at(f->reach.regions, i), e->name))
            return true;
    return false;
}

static void forget(struct region_failover *f, struct entry *e)
{
    deadlines_clear(&f->deadlines, &e->deadline);
    HASH_DEL(f->entries, e);
    free(e);
}

static void decide(struct region_failover *f, struct entry *e, int64_t now_ns)
{
    struct failover_seen home = {catalog_usable_count(f->reach.catalog, e->name), f->synced},
                         others[CONFIG_REGIONS_MAX];
    for (size_t i = 0; i < e->order->n; i++) {
        const struct region *r = regions_at(f->reach.regions, e->order->at[i]);
        others[i] = (struct failover_seen){region_usable(r, e->name), region_state_of(r) == REGION_LIVE};
    }
    int64_t next_ns = failover_decide(&e->failover, &e->rule, &home, others, e->order->n, now_ns);
    if (write(f, e, &home, now_ns) < 0)
        next_ns = now_ns + NS_PER_S;
    if (next_ns != INT64_MAX)
        deadlines_set(&f->deadlines, &e->deadline, next_ns);
    else
        deadlines_clear(&f->deadlines, &e->deadline);
    if (e->written == FAILOVER_HOME && e->failover.forced == FAILOVER_AUTO && !is_known_elsewhere(f, e))
        forget(f, e);
}

int64_t region_failover_run(struct region_failover *f, const struct loop_slice *slice, int64_t now_ns)
{
    if (!f || f->n == 0)
        return INT64_MAX;
    if (catalog_is_dirty(f->reach.catalog)) /* what the own region has is not written yet: nobody is missing */
        return now_ns;
    collect_due(f, now_ns);
    while (f->due && !loop_slice_over(slice)) {
        struct entry *e = f->due;
        f->due = e->next_due;
        e->due = false;
        decide(f, e, now_ns);
    }
    return f->due ? now_ns : deadlines_next_ns(&f->deadlines);
}

/* --- life --- */

static void add_place(const struct config *c, const char *name, struct failover_order *o)
{
    for (size_t i = 0; i < c->n_regions && o->n < CONFIG_REGIONS_MAX; i++)
        if (strcmp(c->regions[i].name, name) == 0)
            o->at[o->n++] = i;
}

static void fill_orders(const struct config *c, struct failover_order *orders)
{
    struct failover_order *usual = &orders[c->n_failover_services];
    for (size_t i = 0; i < c->n_failover_services; i++)
        for (size_t k = 0; k < c->failover_services[i].regions.n; k++)
            add_place(c, c->failover_services[i].regions.items[k], &orders[i]);
    for (size_t k = 0; k < c->failover.regions.n; k++)
        add_place(c, c->failover.regions.items[k], usual);
    for (size_t i = 0; i < c->n_regions && c->failover.regions.n == 0; i++)
        usual->at[usual->n++] = i;
}

/* A fleet does not come back all at once: each host takes its own time, and always the same. */
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
    deadlines_init(&f->deadlines);
    table_view_init(&f->view);
    f->orders = calloc(reach->config->n_failover_services + 1, sizeof *f->orders);
    f->states = calloc(f->n + 1, sizeof *f->states);
    int err = f->orders && f->states ? 0 : -ENOMEM;
    if (!err)
        err = metrics_add(reach->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &f->counters);
    if (err) {
        region_failover_free(f);
        return err;
    }
    fill_orders(reach->config, f->orders);
    *ret_f = f;
    return 0;
}

void region_failover_free(struct region_failover *f)
{
    struct entry *e, *next;
    if (!f)
        return;
    HASH_ITER(hh, f->entries, e, next)
    {
        HASH_DEL(f->entries, e);
        free(e);
    }
    deadlines_fini(&f->deadlines);
    table_view_fini(&f->view);
    free(f->orders);
    free(f->states);
    free(f);
}
