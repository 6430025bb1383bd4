/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the table of services for which another region answers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/table_copy.h"
#include "daemon/registry/region_failover_impl.h"

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

static int write_copy(struct region_failover *f, struct failover_entry *e)
{
    char from[SERVICE_REF_CAP];
    snprintf(from, sizeof from, "%s@%s", e->name, failover_region_of(f, e, e->failover.at));
    int copied = table_copy_service(catalog_table(f->reach.catalog), from, e->name, &f->view);
    if (copied != -ENOENT)
        return copied;
    table_writer_remove(catalog_table(f->reach.catalog), e->name,
                        strlen(e->name)); /* an operator wants it all the same */
    return 1;
}

/* What stands under the name is whole all the time: that of the own region goes elsewhere first, and comes back last. */
static int write_away(struct region_failover *f, struct failover_entry *e, int64_t now_ns)
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

static void write_home(struct region_failover *f, struct failover_entry *e)
{
    (void)catalog_set_away(f->reach.catalog, e->name, false);
    remove_mark(f, e);
    table_writer_bump_serial(catalog_table(f->reach.catalog));
}

static void tell(struct region_failover *f, const struct failover_entry *e, const struct failover_seen *home)
{
    metric_inc(&f->counters.switches);
    if (e->failover.at == FAILOVER_HOME)
        log_notice("%s: the own region answers again, with %zu usable instances", e->name, home->usable);
    else
        log_warning("%s: region %s answers from now on; here %zu instances are usable", e->name,
                    failover_region_of(f, e, e->failover.at), home->usable);
}

int failover_entry_write(struct region_failover *f, struct failover_entry *e, const struct failover_seen *home,
                         int64_t now_ns)
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
    e->written_ns = moves ? now_ns : e->written_ns;
    f->reach.service_changed(f->reach.arg, e->name);
    return 0;
}
