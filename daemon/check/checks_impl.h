/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of checks.h: one check, its instance, and all of them. Main thread. */
#ifndef CHECK_CHECKS_IMPL_H
#define CHECK_CHECKS_IMPL_H

#include "daemon/base/hash.h"
#include "daemon/base/loop.h"
#include "daemon/check/checks.h"
#include "daemon/check/recovery.h"
#include "daemon/check/said.h"
#include "daemon/check/schedule.h"

struct check {
    struct checked *instance;
    char *text; /* by which it is compared */
    struct check_spec spec;
    const struct check_kind *kind;
    void *own; /* of its kind */
    struct job job;
    struct tally tally;
    struct said said;
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
    enum discover_state told;
    struct recovery recovery;
    bool flapping;
    struct loop_timer look; /* at the states of its checks */
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
    size_t n; /* checks */
    struct checks_metrics metrics;
};

/* Those of an instance, or NULL: it has none. And what is wrong with so many for it: -EINVAL with the reason. */
struct checked *checks_find(const struct checks *c, const struct instance_key *key);
int checks_allow(const struct checks *c, const struct checked *instance, size_t n, char ret_why[static CONFIG_WHY_CAP]);
int check_badness(enum discover_state state); /* of two states the worse one has more */

/* Not running yet. -EINVAL with the reason, -ENOMEM. */
int check_new(struct checked *instance, const char *text, enum discover_state before, struct check **ret_check,
              char ret_why[static CONFIG_WHY_CAP]);
void check_free(struct check *check);

void check_start(struct check *check);
void check_expired(struct check *check);

/* The schedule has something else to do than before. */
void checks_arm(struct checks *c);

#endif
