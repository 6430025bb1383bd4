/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of this host's instances, and what is said over them. Included by discover/discover.h. */
#ifndef DISCOVER_INSTANCE_CHECKS_H
#define DISCOVER_INSTANCE_CHECKS_H

#include <discover/export.h>
#include <discover/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct discover;
struct discover_registration;

/*
 * Has the daemon check what is registered: words KEY=VALUE with the keys of a check in discoverd.conf(5), such as
 * "tcp=127.0.0.1:8080 interval=10s" or "http=http://127.0.0.1:8080/healthz fall=2". Each call adds one; the instance is
 * as well as the worst of them. The daemon reads them: discover_register returns -EINVAL for one that it refuses, and
 * discover_last_error says why. -EINVAL here: empty, or with control characters; -E2BIG: too many, or too long together.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_add_check(struct discover_registration *r, const char *spec);

/* One check of an instance of this host. */
struct discover_check {
    const char *service; /* "domain/service" */
    const char *instance;
    const char *name;   /* "tcp", or what it was called */
    const char *kind;   /* "tcp", "http", "grpc", "exec", "ttl", "unit" or "pid" */
    const char *target; /* what is asked; "" for ttl */
    enum discover_state state;
    int known;         /* there has been a result */
    int flapping;      /* the instance changes so often that it is not told when it gets better */
    int64_t since_ms;  /* it has been in this state for so long */
    int64_t ran_ms;    /* since the last result; -1: none yet */
    int64_t took_us;   /* the last run */
    uint32_t failures; /* in a row */
    uint64_t runs;
    const char *output; /* of the last run, at most 4096 bytes of UTF-8 */
};

struct discover_checks {
    const struct discover_check *all;
    size_t n;
    uint32_t left_out; /* of which there are too many for one answer */
};

/*
 * Says how an instance of this host is, to its checks of kind ttl: to the one of that name, or to all of them (check "").
 * state: DISCOVER_PASSING, _WARNING or _CRITICAL; it counts at once, and until the next report, or until their time is up.
 * note: for people, at most 4096 bytes of UTF-8. DISCOVER_E_UNKNOWN: there is no such check; _DENIED: the instance is
 * another user's (of one of the configuration, whoever may register may report); -EINVAL; _UNSYNCED and -ETIMEDOUT as for every
 * call that asks the daemon.
 */
DISCOVER_API DISCOVER_CHECK int discover_report_check(struct discover *d, const char *service, const char *instance,
                                                      const char *check, enum discover_state state, const char *note);

/*
 * The checks of this host's instances, as they stand: of all (service "" and instance ""), of a service, or of one instance,
 * whose outputs are whole then; of many there is the first line. The structure lives only during the callback. _UNSYNCED
 * and -ETIMEDOUT as for every call that asks the daemon.
 */
typedef void discover_checks_fn(void *arg, const struct discover_checks *checks);
DISCOVER_API DISCOVER_CHECK int discover_checks(struct discover *d, const char *service, const char *instance,
                                                discover_checks_fn *fn, void *arg);

/* discover_override with a reason, for whoever asks why: one line of at most 255 bytes of UTF-8, or "". */
DISCOVER_API DISCOVER_CHECK int discover_override_because(struct discover *d, const char *service, const char *instance,
                                                          enum discover_state state, const char *reason);

/* Whether other regions may fail over to it, as they may by default; if not, only who asks there for this region finds it. */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_exported(struct discover_registration *r, int exported);

/*
 * The same with a grace: what is covered drains for so long, and is in maintenance then, which the daemon sees to, also over
 * restarts of its own. It is taken back by the state that was given.
 */
DISCOVER_API DISCOVER_CHECK int discover_override_grace(struct discover *d, const char *service, const char *instance,
                                                        enum discover_state state, const char *reason,
                                                        uint32_t grace_ms);

/*
 * For operators: which region answers for a service on this host, whatever failover would decide, and over restarts of the
 * daemon: that region, which may be the own one; "": failover decides again. Who may: as discover_override.
 * DISCOVER_E_UNKNOWN: that region is not read here, or nothing was said of the service; -EINVAL, _NAME, _LIMIT; _UNSYNCED and -ETIMEDOUT as for
 * every call that asks the daemon.
 */
DISCOVER_API DISCOVER_CHECK int discover_failover(struct discover *d, const char *service, const char *region);

#ifdef __cplusplus
}
#endif

#endif
