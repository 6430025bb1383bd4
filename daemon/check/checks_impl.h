/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of checks.h: one check, its instance, and all of them. Main thread. */
#ifndef CHECK_CHECKS_IMPL_H
#define CHECK_CHECKS_IMPL_H

#include "daemon/base/hash.h"
#include "daemon/base/loop.h"
#include "daemon/base/pace.h"
#include "daemon/check/checks.h"
#include "daemon/check/check_output.h"
#include "daemon/check/schedule.h"

struct check {
    struct checked *instance;
    char *text; /* the text it was made of, by which checks are compared */
    struct check_spec spec;
    const struct check_kind *kind;
    struct check_setup setup;
    void *own; /* what the kind's open has made */
    struct job job;
    struct tally tally;
    struct check_output output;
    int64_t started_ns, ran_ns, took_ns, since_ns;
    uint64_t runs;
};

struct checked {
    UT_hash_handle hh;
    struct checks *checks;
    struct check_subject subject;
    char key_text[KEY_CAP];
    struct check **list;
    size_t n;
    enum discover_state published;
    struct pace recoveries; /* how often its state may get better */
    bool flapping;
    struct loop_timer look; /* for looking at the states of its checks */
};

struct checks_metrics {
    metric_value configured, running, starts, runs, failures, changes, held, delayed, deregistered;
};

struct checks {
    struct check_tools tools;
    struct checks_options options;
    struct checks_ops ops;
    struct schedule schedule;
    struct loop_timer timer; /* of the schedule */
    struct checked *all;
    size_t n; /* number of checks */
    struct checks_metrics metrics;
};

/*
 * checks_find: the instance; NULL: it has no checks. checks_allow: whether it (or NULL: one that has none yet) may have
 * n checks; -EINVAL with ret_why.
 */
struct checked *checks_find(const struct checks *c, const struct instance_key *key);
int checks_allow(const struct checks *c, const struct checked *instance, size_t n, char ret_why[static CONFIG_WHY_CAP]);
int check_badness(enum discover_state state); /* a number that is higher for the worse of two states */

/* Makes a check that does not run yet. -EINVAL with ret_why, -ENOMEM. */
int check_new(struct checked *instance, const char *text, enum discover_state before, struct check **ret_check,
              char ret_why[static CONFIG_WHY_CAP]);
void check_free(struct check *check);

void check_start(struct check *check);
void check_expired(struct check *check);

/* To be called when schedule_next_ns may have changed. */
void checks_arm(struct checks *c);

#endif
