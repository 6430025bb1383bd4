/* SPDX-License-Identifier: Apache-2.0 */
/* Takes orders of operators which region is to answer for a service, and shows which one does and why. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/registry/regions/region_failover_impl.h"

/* As many as fit into a frame together with everything else; metrics count all. */
#define SHOWN 64

/* --- orders of operators --- */

/* The region's place in the service's order; FAILOVER_AUTO: that region is not read (any more). */
static int place_of(const struct region_failover *f, const struct failover_entry *e, const char *region)
{
    if (!*region)
        return FAILOVER_HOME;
    for (size_t i = 0; i < e->order->all; i++)
        if (strcmp(failover_region_of(f, e, (int)i), region) == 0)
            return (int)i;
    return FAILOVER_AUTO;
}

void failover_entry_set_forced(struct region_failover *f, struct failover_entry *e)
{
    const struct region_switch *choice = region_switches_find(&f->switches, e->name);
    e->failover.forced = choice ? place_of(f, e, choice->region) : FAILOVER_AUTO;
}

int failover_switches_load(struct region_failover *f)
{
    int err = region_switches_init(&f->switches, f->reach.state_dir, f->reach.config->limits.overrides);
    for (const struct region_switch *s = f->switches.all; s && !err && f->n; s = s->hh.next) {
        struct failover_entry *e = failover_entry_get(f, s->service);
        if (!e)
            return -ENOMEM;
        if (e->failover.forced == FAILOVER_AUTO)
            log_warning("%s: an operator said that region %s answers, which is not read any more: that does not count",
                        s->service, s->region);
        failover_entry_make_due(f, e);
    }
    return err;
}

static bool is_read(const struct region_failover *f, const char *region)
{
    bool found = !*region;
    for (size_t i = 0; i < f->n; i++)
        found |= strcmp(region_name(regions_at(f->reach.regions, i)), region) == 0;
    return found;
}

static int set(struct region_failover *f, const char *service, const char *region, uid_t uid)
{
    struct region_switch with = {.uid = uid, .set_ms = (int64_t)time(NULL) * 1000};
    snprintf(with.service, sizeof with.service, "%s", service);
    snprintf(with.region, sizeof with.region, "%s", region);
    return region_switches_set(&f->switches, &with);
}

static void log_order(const struct region_failover *f, const char *service, const char *region, uid_t uid)
{
    if (region)
        log_notice("by order of user %u, region %s answers for %s", (unsigned)uid,
                   *region ? region : f->reach.config->region, service);
    else
        log_notice("by order of user %u, failover decides again which region answers for %s", (unsigned)uid, service);
}

int region_failover_force(struct region_failover *f, const char *service, const char *region, uid_t uid,
                          const char **ret_why)
{
    if (!f || f->n == 0) {
        *ret_why = "no other region is read here, or failover.enabled is false";
        return -ENOENT;
    }
    if (region && strcmp(region, f->reach.config->region) == 0)
        region = "";
    if (region && !is_read(f, region)) {
        *ret_why = "that region is not read here (regions)";
        return -ENOENT;
    }
    struct failover_entry *e = failover_entry_get(f, service);
    if (!e)
        return -ENOMEM;
    int err = region ? set(f, service, region, uid) : region_switches_end(&f->switches, service);
    if (!err)
        log_order(f, service, region, uid);
    e->is_news |= !err;
    failover_entry_set_forced(f, e);
    failover_entry_make_due(f, e);
    return err;
}

/* --- for status and explanations --- */

static bool is_notable(const struct failover_entry *e, const struct region_switch *choice)
{
    return choice || e->written != FAILOVER_HOME;
}

static void fill(const struct region_failover *f, const struct failover_entry *e, const struct region_switch *choice,
                 int64_t now_ns, Discover__V1__Failover *to)
{
    int64_t wall_ms = (int64_t)time(NULL) * 1000;
    discover__v1__failover__init(to);
    to->service = (char *)e->name;
    to->forced = choice != NULL;
    to->region = (char *)(choice ? choice->region : "");
    to->uid = choice ? choice->uid : 0;
    to->age_ms = choice && choice->set_ms ? wall_ms - choice->set_ms : -1;
    to->at = (char *)(e->written == FAILOVER_HOME ? "" : failover_region_of(f, e, e->written));
    to->at_ms = e->written_ns ? (now_ns - e->written_ns) / NS_PER_MS : -1;
}

void region_failover_status(const struct region_failover *f, int64_t now_ns, Discover__V1__Status *ret_status)
{
    static Discover__V1__Failover all[SHOWN], *pointers[SHOWN];
    size_t n = 0, left = f ? metric_get(&f->counters.away) + HASH_COUNT(f->switches.all) : 0;
    for (const struct failover_entry *e = left ? f->entries : NULL; e && n < SHOWN && left > 0; e = e->hh.next) {
        const struct region_switch *choice = region_switches_find(&f->switches, e->name);
        if (!is_notable(e, choice))
            continue;
        left -= (choice != NULL) + (e->written != FAILOVER_HOME);
        fill(f, e, choice, now_ns, &all[n]);
        pointers[n] = &all[n];
        n++;
    }
    ret_status->n_failovers = n;
    ret_status->failovers = pointers;
}

bool region_failover_explain(const struct region_failover *f, const char *service, int64_t now_ns,
                             struct region_answer *ret_answer)
{
    Discover__V1__Failover status = DISCOVER__V1__FAILOVER__INIT;
    const struct failover_entry *e = NULL;
    if (f)
        HASH_FIND_STR(f->entries, service, e);
    if (!e)
        return false;
    const struct failover *o = &e->failover;
    int64_t back_ns = failover_back_ns(o);
    fill(f, e, region_switches_find(&f->switches, service), now_ns, &status);
    *ret_answer = (struct region_answer){
        .at = status.at,
        .for_ns = e->written_ns ? now_ns - e->written_ns : 0,
        .forced = status.forced,
        .uid = status.uid,
        .forced_for_ns = status.age_ms > 0 ? status.age_ms * NS_PER_MS : 0,
        .min = e->rule.min,
        .lacking_ns = o->lacking_since_ns ? now_ns - o->lacking_since_ns : 0,
        .after_ns = e->rule.after_ns,
        .back_in_ns = back_ns < INT64_MAX ? back_ns - now_ns : 0,
    };
    return true;
}
