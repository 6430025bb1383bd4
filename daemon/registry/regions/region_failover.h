/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which region answers for each service (sync/failover.h), and what the shared table says under its name because of it: the
 * answer is worked out here, once for each change, and a look-up costs what it always does. Only services that another
 * region has are looked at. Main thread only.
 */
#ifndef REGISTRY_REGION_FAILOVER_H
#define REGISTRY_REGION_FAILOVER_H

#include "daemon/base/loop.h"
#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/agent/state_dir.h"
#include "daemon/registry/regions/regions.h"
#include "proto/api.pb-c.h"

struct region_failover;

/* Another region than before answers for a service. Strings are borrowed during the call. */
struct region_move {
    const char *service; /* "shop/payment" */
    const char *from, *to;
    bool home;        /* `to` is the own region */
    bool own;         /* it concerns this host alone: an operator of it chose `to`, or had chosen `from` */
    int64_t since_ns; /* hosts of the own region that were there then know of it */
    const char *reason;
};

/* What it reaches; all stay the caller's. */
struct region_failover_reach {
    struct metrics *metrics;
    const struct config *config;
    struct catalog *catalog; /* of the own region */
    const struct inbound *inbound;
    struct regions *regions;
    struct state_dir *state_dir; /* keeps the orders of operators */
    void *arg;
    void (*service_changed)(void *arg, const char *service); /* the table says something else of it */
    /*
     * NULL: moves are not reported. Not reported is where a service is found that the own region has not had in this
     * life.
     */
    void (*moved)(void *arg, const struct region_move *move);
};

/* -ENOMEM. Without other regions, or when it is switched off, it does nothing. */
int region_failover_new(const struct region_failover_reach *reach, struct region_failover **ret_f);
void region_failover_free(struct region_failover *f); /* NULL is fine, as for all below */

/* The table says something else of a service, of whatever region: "shop/payment", "shop/payment@b". Only remembers it. */
void region_failover_note(struct region_failover *f, const char *service);

/*
 * To be called after all changes were written: decides what is due, as far as the slice goes. Returns when to call
 * again, which is at once when there is more.
 */
int64_t region_failover_run(struct region_failover *f, const struct loop_slice *slice, int64_t now_ns);

/*
 * An operator's order which region answers for a service: that one, or the own one (""); NULL: failover decides again.
 * Stored, which blocks on the disk, before it is in force. -ENOENT: the region is not read, or there was no order;
 * -ENOSPC: there are too many; -EIO: it cannot be stored; -ENOMEM. *ret_why, static, is set where it says more than the
 * errno.
 */
int region_failover_force(struct region_failover *f, const char *service, const char *region, uid_t uid,
                          const char **ret_why);

/*
 * Fills in the field: services for which another region answers, or an operator's order is in force. It stays valid
 * until anything else is called.
 */
void region_failover_status(const struct region_failover *f, int64_t now_ns, Discover__V1__Status *ret_status);

/* Why the region that answers for a service does. Times are how long ago, or how long it takes. */
struct region_answer {
    const char *at;        /* the region that answers; "": the own one */
    int64_t for_ns;        /* how long it has answered; 0: always, as far as is known */
    bool forced;           /* an operator chose it */
    uint32_t uid;          /* forced: the operator's user */
    int64_t forced_for_ns; /* forced: how long ago; 0: not known */
    uint32_t min;          /* number of usable instances of the own region that are enough */
    int64_t lacking_ns;    /* how long the own region has had fewer, while it answers; 0: it has enough */
    int64_t after_ns;      /* how long it may have fewer before another one answers */
    int64_t back_in_ns;    /* when a nearer one will answer, from now, if nothing changes; 0: there is none */
};

/*
 * Returns false where no other region has the service, or none is read. The answer is valid until anything else is
 * called.
 */
bool region_failover_explain(const struct region_failover *f, const char *service, int64_t now_ns,
                             struct region_answer *ret_answer);

#endif
