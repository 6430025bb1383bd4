/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of this host's instances, and calls of operators that go with them. Included by discover/discover.h. */
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
 * Has the daemon check the instance: words KEY=VALUE with the keys of a check in discoverd.conf(5), such as
 * "tcp=127.0.0.1:8080 interval=10s" or "http=http://127.0.0.1:8080/healthz fall=2". Each call adds a check; the
 * instance's state is that of its worst check. The daemon parses them: discover_register returns -EINVAL for one that
 * it refuses, and discover_last_error says why. -EINVAL here: spec is empty or has control characters; -E2BIG: too many
 * checks, or too long together.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_add_check(struct discover_registration *r, const char *spec);

/* One check of an instance of this host. */
struct discover_check {
    const char *service; /* "domain/service" */
    const char *instance;
    const char *name;   /* as configured; by default the kind */
    const char *kind;   /* "tcp", "http", "grpc", "exec", "ttl", "unit" or "pid" */
    const char *target; /* what it checks, such as an address, a URL or a command; "" for ttl */
    enum discover_state state;
    int known;          /* not 0: there has been a result */
    int flapping;       /* not 0: the instance changes so often that improvements are not published for now */
    int64_t since_ms;   /* how long it has been in this state */
    int64_t ran_ms;     /* time since the last result; -1: none yet */
    int64_t took_us;    /* how long the last run took */
    uint32_t failures;  /* number of failed runs in a row */
    uint64_t runs;      /* number of runs so far */
    const char *output; /* output of the last run, at most 4096 bytes of UTF-8 */
};

/* Checks, as discover_checks gives them. */
struct discover_checks {
    const struct discover_check *all;
    size_t n;
    uint32_t left_out; /* number of further checks, which did not fit into the answer */
};

/*
 * Reports the state of an instance of this host to its check of kind ttl of that name, or to all of that kind (check
 * ""). state: DISCOVER_PASSING, _WARNING or _CRITICAL; it counts at once, until the next report or until the check's
 * time is up. note: for people, at most 4096 bytes of UTF-8. DISCOVER_E_UNKNOWN: there is no such check; _DENIED: the
 * instance is another user's (for one from the configuration, whoever may register may report); -EINVAL; _UNSYNCED and
 * -ETIMEDOUT as for every call that asks the daemon.
 */
DISCOVER_API DISCOVER_CHECK int discover_report_check(struct discover *d, const char *service, const char *instance,
                                                      const char *check, enum discover_state state, const char *note);

/*
 * The checks of this host's instances: of all (service "" and instance ""), of one service, or of one instance. Outputs
 * are whole for one instance, otherwise their first lines. The structure is valid only during the callback. _UNSYNCED
 * and -ETIMEDOUT as for every call that asks the daemon.
 */
typedef void discover_checks_fn(void *arg, const struct discover_checks *checks);
DISCOVER_API DISCOVER_CHECK int discover_checks(struct discover *d, const char *service, const char *instance,
                                                discover_checks_fn *fn, void *arg);

/* discover_override with a reason, which status and explain show: one line of at most 255 bytes of UTF-8, or "". */
DISCOVER_API DISCOVER_CHECK int discover_override_because(struct discover *d, const char *service, const char *instance,
                                                          enum discover_state state, const char *reason);

/*
 * Whether other regions may fail over to it; default: they may. If not, clients there find it only by naming this
 * region.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_exported(struct discover_registration *r, int exported);

/*
 * discover_override_because with a grace: the instances drain for grace_ms and are in maintenance then; the daemon
 * keeps the time across its own restarts. To take it back, call discover_override with the same state and on = 0.
 */
DISCOVER_API DISCOVER_CHECK int discover_override_grace(struct discover *d, const char *service, const char *instance,
                                                        enum discover_state state, const char *reason,
                                                        uint32_t grace_ms);

/*
 * For operators: sets the region that answers for a service on this host, whatever failover would decide, across
 * restarts of the daemon. It may be this host's own region; "": failover decides again. Who may call it: as
 * discover_override. DISCOVER_E_UNKNOWN: the daemon does not read that region, or (for "") none was set for the
 * service; -EINVAL, _NAME, _LIMIT; _UNSYNCED and -ETIMEDOUT as for every call that asks the daemon.
 */
DISCOVER_API DISCOVER_CHECK int discover_failover(struct discover *d, const char *service, const char *region);

#ifdef __cplusplus
}
#endif

#endif
