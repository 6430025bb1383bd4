/* SPDX-License-Identifier: Apache-2.0 */
/* Writes into the table which region answers for a service, and that region's instances under its name. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/registry/regions/region_failover_impl.h"

const char *failover_region_of(const struct region_failover *f, const struct failover_entry *e, int at)
{
    return at == FAILOVER_HOME ? f->reach.config->region : region_name(regions_at(f->reach.regions, e->order->at[at]));
}

static int write_mark(struct region_failover *f, const struct failover_entry *e, int64_t now_ns)
{
    char key[SERVICE_CAP + 1] = "=";
    uint64_t words[TABLE_FAILOVER_WORDS] = {[TABLE_F_SINCE] = (uint64_t)now_ns};
    snprintf((char *)(words + TABLE_F_REGION), (TABLE_FAILOVER_WORDS - TABLE_F_REGION) * sizeof *words, "%s",
             failover_region_of(f, e, e->failover.at));
    strcpy(key + 1, e->name);
    return table_writer_put(catalog_table(f->reach.catalog), TABLE_FAILOVER, key, strlen(key), 0, 0, words,
                            TABLE_FAILOVER_WORDS);
}

static void remove_mark(struct region_failover *f, const struct failover_entry *e)
{
    char key[SERVICE_CAP + 1] = "=";
    strcpy(key + 1, e->name);
    table_writer_remove(catalog_table(f->reach.catalog), key, strlen(key));
}

static int set_answering(struct region_failover *f, const struct failover_entry *e, int at, bool answers)
{
    if (at == FAILOVER_HOME)
        return 0;
    return catalog_set_answering(region_catalog(regions_at(f->reach.regions, e->order->at[at])), e->name, answers);
}

/*
 * The instances under the service's name are whole all the time: the own region's move to another name first, and come
 * back last.
 */
static int write_away(struct region_failover *f, const struct failover_entry *e, int64_t now_ns)
{
    int err = catalog_set_away(f->reach.catalog, e->name, true);
    if (!err)
        err = write_mark(f, e, now_ns);
    if (err < 0)
        return err;
    (void)set_answering(f, e, e->written, false);
    return set_answering(f, e, e->failover.at, true);
}

static int write_home(struct region_failover *f, const struct failover_entry *e)
{
    (void)set_answering(f, e, e->written, false);
    (void)catalog_set_away(f->reach.catalog, e->name, false);
    remove_mark(f, e);
    return 0;
}

static void count_and_log(struct region_failover *f, const struct failover_entry *e, const struct failover_seen *home)
{
    metric_inc(&f->counters.switches);
    if (e->failover.at == FAILOVER_HOME)
        log_notice("%s: the own region answers again, with %zu usable instances", e->name, home->usable);
    else
        log_warning("%s: region %s answers from now on; here %zu instances are usable", e->name,
                    failover_region_of(f, e, e->failover.at), home->usable);
}

static void write_reason(const struct region_failover *f, const struct failover_entry *e,
                         const struct failover_seen *home, size_t cap, char *ret_reason)
{
    const char *from = failover_region_of(f, e, e->written);
    int at = e->failover.at;
    if (e->by_operator.given)
        snprintf(ret_reason, cap, "user %u said so", (unsigned)e->by_operator.uid);
    else if (at == FAILOVER_HOME)
        snprintf(ret_reason, cap, "%zu instances are usable in the own region", home->usable);
    else if (e->written == FAILOVER_HOME)
        snprintf(ret_reason, cap, "%zu instances are usable in region %s, and %u are enough", home->usable, from,
                 e->rule.min);
    else if (at < e->written)
        snprintf(ret_reason, cap, "it is nearer than region %s, and has been there for long enough", from);
    else
        snprintf(ret_reason, cap, "region %s is lost, or has no usable instance", from);
}

/* Called before e->written is set to the new place. */
static void report_move(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home,
                        int64_t now_ns)
{
    char reason[256];
    bool chosen = e->by_operator.given, own = chosen || e->chosen;
    int64_t lacking_ns = e->failover.lacking_since_ns;
    e->chosen = chosen;
    if (!f->reach.moved || !(e->is_news || e->written != FAILOVER_HOME))
        return;
    write_reason(f, e, home, sizeof reason, reason);
    f->reach.moved(f->reach.arg, &(struct region_move){.service = e->name,
                                                       .from = failover_region_of(f, e, e->written),
                                                       .to = failover_region_of(f, e, e->failover.at),
                                                       .home = e->failover.at == FAILOVER_HOME,
                                                       .own = own,
                                                       .since_ns = e->written != FAILOVER_HOME ? e->written_ns
                                                                   : lacking_ns                ? lacking_ns
                                                                                               : now_ns,
                                                       .reason = reason});
}

static int move(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home, int64_t now_ns)
{
    int err = e->failover.at == FAILOVER_HOME ? write_home(f, e) : write_away(f, e, now_ns);
    table_writer_bump_serial(catalog_table(f->reach.catalog));
    if (err < 0)
        return err;
    count_and_log(f, e, home);
    report_move(f, e, home, now_ns);
    metric_set(&f->counters.away,
               metric_get(&f->counters.away) - (e->written != FAILOVER_HOME) + (e->failover.at != FAILOVER_HOME));
    e->written = e->failover.at;
    e->written_ns = now_ns;
    return 0;
}

int failover_entry_write(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home,
                         int64_t now_ns)
{
    bool moves = e->written != e->failover.at, changed = e->changed && e->written != FAILOVER_HOME;
    int err = moves ? move(f, e, home, now_ns) : 0;
    if (err)
        return err;
    e->changed = false;
    if (moves || changed)
        f->reach.service_changed(f->reach.arg, e->name);
    return 0;
}
