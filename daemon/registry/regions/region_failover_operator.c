/* SPDX-License-Identifier: Apache-2.0 */
/* Takes orders of operators which region is to answer for a service, and shows which one does and why. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "daemon/registry/regions/region_failover_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"
#include "proto/state.pb-c.h"

/* As many as fit into a frame together with everything else; metrics count all. */
#define SHOWN 64

/* --- how they are stored: in a file each --- */

#define PREFIX "f-"

static void file_name(const char *service, char ret_name[static STORED_NAME_CAP])
{
    struct instance_key key = {.host = ""};
    (void)service_parse(service, key.domain, key.service);
    snprintf(ret_name, STORED_NAME_CAP, PREFIX "%016" PRIx64, instance_id(&key));
}

static size_t encode(const char *service, const struct operator_order *o, uint8_t ret_bytes[static STORED_MAX])
{
    Discover__V1__StoredFailover msg = DISCOVER__V1__STORED_FAILOVER__INIT;
    msg.service = (char *)service;
    msg.region = (char *)o->region;
    msg.uid = o->uid;
    msg.set_ms = o->set_ms;
    return discover__v1__stored_failover__pack(&msg, ret_bytes);
}

static int take(const Discover__V1__StoredFailover *msg, char ret_service[static SERVICE_CAP],
                struct operator_order *ret_order)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (service_parse(msg->service, domain, name) < 0)
        return -EBADMSG;
    service_format(domain, name, ret_service);
    *ret_order = (struct operator_order){.given = true, .uid = msg->uid, .set_ms = msg->set_ms};
    if (*msg->region && label_copy(ret_order->region, msg->region, strlen(msg->region)) < 0)
        return -EBADMSG;
    return 0;
}

static int decode(const uint8_t *bytes, size_t n, char ret_service[static SERVICE_CAP],
                  struct operator_order *ret_order)
{
    Discover__V1__StoredFailover *msg = n > STORED_MAX ? NULL : discover__v1__stored_failover__unpack(NULL, n, bytes);
    int err = msg ? take(msg, ret_service, ret_order) : -EBADMSG;
    if (msg)
        discover__v1__stored_failover__free_unpacked(msg, NULL);
    return err;
}

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

static bool has_room(const struct region_failover *f, const struct failover_entry *e)
{
    return e->by_operator.given || f->n_by_operator < f->reach.config->limits.overrides;
}

/* order: not given: failover decides. */
static void set_order(struct region_failover *f, struct failover_entry *e, const struct operator_order *order)
{
    f->n_by_operator += (size_t)order->given - e->by_operator.given;
    e->by_operator = *order;
    e->failover.forced = order->given ? place_of(f, e, order->region) : FAILOVER_AUTO;
    failover_entry_make_due(f, e);
}

static int restore(void *arg, const uint8_t *bytes, size_t n)
{
    struct region_failover *f = arg;
    struct operator_order order;
    char service[SERVICE_CAP];
    int err = decode(bytes, n, service, &order);
    if (err)
        return err;
    struct failover_entry *e = failover_entry_get(f, service);
    if (!e)
        return -ENOMEM;
    if (!has_room(f, e))
        return -ENOSPC;
    set_order(f, e, &order);
    if (e->failover.forced == FAILOVER_AUTO)
        log_warning("%s: an operator said that region %s answers, which is not read any more: that does not count",
                    service, order.region);
    return 0;
}

int failover_load_orders(struct region_failover *f)
{
    int damaged = f->n > 0 ? state_dir_each(f->reach.state_dir, PREFIX, restore, f) : 0;
    if (damaged > 0)
        log_warning("%d stored switches between regions are damaged and were set aside (*.bad)", damaged);
    return damaged < 0 ? damaged : 0;
}

static int begin_order(struct region_failover *f, struct failover_entry *e, const char *region, uid_t uid)
{
    struct operator_order order = {.given = true, .uid = uid, .set_ms = clock_wall_ms()};
    char name[STORED_NAME_CAP];
    uint8_t bytes[STORED_MAX];
    if (!has_room(f, e))
        return -ENOSPC;
    snprintf(order.region, sizeof order.region, "%s", region);
    file_name(e->name, name);
    if (state_dir_store(f->reach.state_dir, name, bytes, encode(e->name, &order, bytes)) < 0)
        return -EIO;
    set_order(f, e, &order);
    return 0;
}

static int end_order(struct region_failover *f, struct failover_entry *e)
{
    char name[STORED_NAME_CAP];
    if (!e->by_operator.given)
        return -ENOENT;
    file_name(e->name, name);
    if (state_dir_forget(f->reach.state_dir, name) < 0)
        return -EIO;
    set_order(f, e, &(struct operator_order){.given = false});
    return 0;
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
    if (region && *region && !regions_find(f->reach.regions, region)) {
        *ret_why = "that region is not read here (regions)";
        return -ENOENT;
    }
    struct failover_entry *e = failover_entry_get(f, service);
    if (!e)
        return -ENOMEM;
    int err = region ? begin_order(f, e, region, uid) : end_order(f, e);
    if (!err)
        log_order(f, service, region, uid);
    e->is_news |= !err;
    failover_entry_make_due(f, e); /* which forgets one that is not needed */
    return err;
}

/* --- for status and explanations --- */

static void fill(const struct region_failover *f, const struct failover_entry *e, int64_t now_ns,
                 Discover__V1__Failover *to)
{
    const struct operator_order *order = &e->by_operator;
    discover__v1__failover__init(to);
    to->service = (char *)e->name;
    to->forced = order->given;
    to->region = (char *)order->region;
    to->uid = order->uid;
    to->age_ms = order->set_ms ? clock_wall_ms() - order->set_ms : -1;
    to->at = (char *)(e->written == FAILOVER_HOME ? "" : failover_region_of(f, e, e->written));
    to->at_ms = e->written_ns ? (now_ns - e->written_ns) / NS_PER_MS : -1;
}

void region_failover_status(const struct region_failover *f, int64_t now_ns, Discover__V1__Status *ret_status)
{
    static Discover__V1__Failover all[SHOWN], *pointers[SHOWN];
    size_t n = 0, left = f ? metric_get(&f->counters.away) + f->n_by_operator : 0;
    for (const struct failover_entry *e = left ? f->entries : NULL; e && n < SHOWN && left > 0; e = e->hh.next) {
        if (!e->by_operator.given && e->written == FAILOVER_HOME)
            continue;
        left -= (size_t)e->by_operator.given + (e->written != FAILOVER_HOME);
        fill(f, e, now_ns, &all[n]);
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
    fill(f, e, now_ns, &status);
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
