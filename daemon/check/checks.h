/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the checks of instances (kind.h) when they are due (schedule.h) and tells when an instance's state changes: it is
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

/* What a check may do in the daemon's name (check_spec_privilege), by whoever wants it. */
enum checks_grant {
    CHECKS_OF_CONFIGURATION, /* everything */
    CHECKS_OF_OPERATOR, /* by the socket, root or the daemon's own user: all but commands, unless options allow it */
    CHECKS_OF_PROGRAM,  /* nothing but commands, if options allow it */
};

struct checks_options {
    bool exec; /* commands may be wanted by the socket (api.exec_checks) */
    uint32_t all_max, per_instance_max, running_max;
    uint32_t recoveries; /* of one instance, a minute */
    uint64_t seed;       /* random: hosts should not check in step */
    const struct check_units *units;
};

/* Called from the loop, never from within a call below; may call all of them. */
struct checks_ops {
    void *arg;
    void (*state)(void *arg, const struct instance_key *key,
                  enum discover_state state); /* PASSING, WARNING, CRITICAL */
    /* It has been critical for as long as one of its checks wants. */
    void (*deregister)(void *arg, const struct instance_key *key, const char *why);
};

/* Adds its counters to metrics. -ENOMEM. */
int checks_new(struct event_base *base, struct metrics *metrics, const struct checks_options *options,
               const struct checks_ops *ops, struct checks **ret_checks);
void checks_free(struct checks *c);

/*
 * Whether an instance may have these checks, described as texts (check_spec.h). before: what is known of the state of one
 * that has none yet, or 0. *ret_state: what it will be with them, so that it need not be registered in another one.
 * -EINVAL with the reason: one of the texts is wrong or not granted, or there are more than may be. -ENOMEM.
 */
int checks_plan(const struct checks *c, const struct instance_key *key, char *const *specs, size_t n,
                enum discover_state before, enum checks_grant grant, enum discover_state *ret_state,
                char ret_why[static CONFIG_WHY_CAP]);

/*
 * Replaces the checks of an instance; those that stay the same go on undisturbed. As checks_plan; on an error nothing
 * changes.
 */
int checks_set(struct checks *c, const struct check_subject *subject, char *const *specs, size_t n,
               enum discover_state before, enum discover_state *ret_state, char ret_why[static CONFIG_WHY_CAP]);

/* The instance is gone: nothing more is said of it. Whether it had any checks. */
bool checks_remove(struct checks *c, const struct instance_key *key);

/*
 * The program itself says how it is: to its check of kind ttl of that name, or to all of them (""). -ENOENT: there is none;
 * note: n bytes for people.
 */
int checks_tell(struct checks *c, const struct instance_key *key, const char *name, enum check_result result,
                const char *note, size_t n);

/* One check as it stands. Times are clock_now_ns(). Valid during the call. */
struct check_view {
    const char *name, *kind, *target; /* target: what is asked; "" for ttl */
    enum discover_state state;
    bool known;        /* it has run */
    int64_t since_ns;  /* it has been in this state */
    int64_t ran_ns;    /* the last result; 0: none yet */
    int64_t took_ns;   /* the last run */
    uint32_t failures; /* in a row */
    uint64_t runs;
    const char *output; /* of the last run: at most CHECK_OUTPUT_MAX bytes of UTF-8 */
    bool flapping;      /* the instance changes so often that it is not told when it gets better */
};
typedef void check_view_fn(void *arg, const struct instance_key *key, const struct check_view *view);

/* The checks of an instance; with instance "", of all of a service; with domain "", of all. */
void checks_each(const struct checks *c, const struct instance_key *key, check_view_fn *fn, void *arg);

#endif
