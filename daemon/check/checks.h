/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the checks of instances (kind.h) when they are due (schedule.h) and reports when an instance's state changes: it is
 * the worst of its checks'. What they say stays here, to be asked for. Main thread only; nothing blocks.
 */
#ifndef CHECK_CHECKS_H
#define CHECK_CHECKS_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/check/kind.h"
#include "daemon/config/config.h"
#include "discover/discover.h"
#include "libdiscover/core/label.h"

struct checks;

/* What the checks of a registration may do in the daemon's name (check_spec_privilege), by who asks for them. */
enum checks_grant {
    CHECKS_OF_CONFIGURATION, /* everything */
    /* over the socket, root or the daemon's own user: all but commands, unless options allow these */
    CHECKS_OF_OPERATOR,
    CHECKS_OF_PROGRAM, /* over the socket, any other: nothing of that but commands, if options allow these */
};

struct checks_options {
    bool exec; /* commands may be asked for over the socket (api.exec_checks) */
    uint32_t all_max, per_instance_max, running_max;
    uint32_t recoveries; /* times a minute that an instance may get better */
    uint64_t seed;       /* random, so that hosts do not check in step */
    const struct check_units *units;
};

/* Called from the loop, never from within a call below; may call all of them. */
struct checks_ops {
    void *arg;
    void (*state)(void *arg, const struct instance_key *key,
                  enum discover_state state); /* PASSING, WARNING, CRITICAL */
    /* The instance has been critical for as long as one of its checks allows. */
    void (*deregister)(void *arg, const struct instance_key *key, const char *why);
};

/* Adds its counters to metrics. base, and units of options, must outlive it. -ENOMEM. */
int checks_new(struct event_base *base, struct metrics *metrics, const struct checks_options *options,
               const struct checks_ops *ops, struct checks **ret_checks);
void checks_free(struct checks *c);

/* From now on the limits of options hold; nothing else of options is looked at. Checks that exist stay. */
void checks_set_limits(struct checks *c, const struct checks_options *options);

/*
 * Whether an instance may have these checks, described as texts (check_spec.h). before: the known state of an instance
 * that has no checks yet, or 0. *ret_state: the state that it will have with them, so that it need not be registered in
 * another one. -EINVAL with *ret_why: one of the texts is wrong or not granted, or there are too many. -ENOMEM.
 */
int checks_plan(const struct checks *c, const struct instance_key *key, char *const *specs, size_t n,
                enum discover_state before, enum checks_grant grant, enum discover_state *ret_state,
                char ret_why[static CONFIG_WHY_CAP]);

/*
 * Replaces the checks of an instance; those whose text stays the same go on undisturbed. As checks_plan; on an error
 * nothing changes.
 */
int checks_set(struct checks *c, const struct check_subject *subject, char *const *specs, size_t n,
               enum discover_state before, enum discover_state *ret_state, char ret_why[static CONFIG_WHY_CAP]);

/* Ends the checks of an instance: nothing more is reported of it. Returns whether it had any. */
bool checks_remove(struct checks *c, const struct instance_key *key);

/*
 * Takes a report of the program itself: for its check of kind ttl of that name, or for all of them (""). note: n bytes
 * for people, copied. -ENOENT: there is no such check.
 */
int checks_report(struct checks *c, const struct instance_key *key, const char *name, enum check_result result,
                  const char *note, size_t n);

/* One check as it stands. Times are clock_now_ns(). Valid during the call. */
struct check_view {
    const char *name, *kind, *target; /* target: what is asked; "" for ttl */
    enum discover_state state;
    bool known;        /* it has a result */
    int64_t since_ns;  /* when it came into this state */
    int64_t ran_ns;    /* when the last run ended; 0: there was none yet */
    int64_t took_ns;   /* how long the last run took */
    uint32_t failures; /* failures in a row */
    uint64_t runs;
    const char *output; /* of the last run: at most CHECK_OUTPUT_MAX bytes of UTF-8 */
    bool flapping;      /* the instance changes so often that it is not published when it gets better */
};
/* false: this one was not taken, and no more are wanted. */
typedef bool check_view_fn(void *arg, const struct instance_key *key, const struct check_view *view);

/*
 * Calls fn for each check of an instance; with instance "", of all of a service; with domain "", of all. Returns how
 * many were not taken.
 */
size_t checks_each(const struct checks *c, const struct instance_key *key, check_view_fn *fn, void *arg);

#endif
