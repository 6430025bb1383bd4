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
    bool home;        /* to is the own one */
    bool own;         /* of this host alone: an operator said so here, or had said where it comes back from */
    int64_t since_ns; /* who of the own region was there then knows of it */
    const char *reason;
};

/* What it reaches; all stay the caller's. */
struct region_failover_reach {
    struct metrics *metrics;
    const struct config *config;
    struct catalog *catalog; /* of the own region */
    const struct inbound *inbound;
    struct regions *regions;
    struct state_dir *state_dir; /* has what operators say */
    void *arg;
    void (*service_changed)(void *arg, const char *service); /* the table says something else of it */
    /* NULL: nobody hears of it. Not told is where a service is found when the own region has not had it in this life. */
    void (*moved)(void *arg, const struct region_move *move);
};

/* -ENOMEM. Without other regions, or when it is switched off, it does nothing. */
int region_failover_new(const struct region_failover_reach *reach, struct region_failover **ret_f);
void region_failover_free(struct region_failover *f); /* NULL is fine, as for all below */

/* The table says something else of a service, of whatever region: "shop/payment", "shop/payment@b". Only remembers it. */
void region_failover_note(struct region_failover *f, const char *service);

/*
 * After what has changed was written: decides what is due, as far as the slice goes. Returns when to call again, which is at
 * once when there is more.
 */
int64_t region_failover_run(struct region_failover *f, const struct loop_slice *slice, int64_t now_ns);

/*
 * An operator says which region answers for a service: that one, or the own one (""); NULL: failover decides again. Stored
 * before it counts. -ENOENT: the region is not read, or nobody had said anything; -ENOSPC: as many as may be; -EIO: it cannot
 * be stored; -ENOMEM. *ret_why says what an errno does not.
 */
int region_failover_force(struct region_failover *f, const char *service, const char *region, uid_t uid,
                          const char **ret_why);

/* Fills in that field: where another region answers, or an operator said which does. It stays valid until anything else is called. */
void region_failover_status(const struct region_failover *f, int64_t now_ns, Discover__V1__Status *ret_status);

/* Why the region that answers for a service does. Times are how long ago, or how long it takes. */
struct region_answer {
    const char *at;     /* which; "": the own one */
    int64_t for_ns;     /* since when; 0: always, as far as is known */
    bool forced;        /* an operator said so: */
    uint32_t uid;       /* who, */
    int64_t said_ns;    /* and when; 0: not known */
    uint32_t min;       /* usable instances of the own one that are enough */
    int64_t lacking_ns; /* so long it has had fewer, and still answers; 0: it has not */
    int64_t after_ns;   /* and so long it may have */
    int64_t back_in_ns; /* the nearer one answers in so long, if it stays as it is; 0: there is none */
};

/* false: no other region has it, or none is asked. Valid until anything else is called. */
bool region_failover_explain(const struct region_failover *f, const char *service, int64_t now_ns,
                             struct region_answer *ret_answer);

#endif
