/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that ask the daemon without waiting for it. Included by discover/discover.h. */
#ifndef DISCOVER_ASYNC_H
#define DISCOVER_ASYNC_H

#include <discover/daemon_status.h>
#include <discover/export.h>
#include <discover/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct discover;
struct discover_checks;
struct discover_registration;
struct discover_reload_result;

/*
 * Each returns at once: a negative result (a bad name or argument, -ENOMEM, -ECHILD, DISCOVER_E_UNKNOWN where the handle
 * knows) if nothing was begun; 0 if it was, and then fn (NULL: nobody) is called just once with what the call came to: by
 * discover_dispatch, never before the function has returned. Results are those of the call that waits (discover.h), after
 * its time-out at the latest: -ETIMEDOUT. DISCOVER_E_UNSYNCED: there is no connection, or it has ended. Calls are sent in
 * the order in which they are made, and any number may be under way.
 *
 * discover_cancel, while fn was not called: calls it now, with -ECANCELED unless the answer is there. What was asked may be
 * done all the same; a registration stays the handle's until it is deregistered. discover_free does so with all that is
 * under way, in a forked child, too; what they begin then is -EINVAL.
 *
 * Registrations are copied; the name that the daemon makes up is in the answer. One that is registered again before the
 * answer has an answer for each.
 */
struct discover_call;

/* Lives only during the call. Grows at its end. */
struct discover_answer {
    int result;
    const char *error;                    /* what the daemon or the system said, if the result is negative; or "" */
    const char *instance;                 /* of a registration: its name; else "" */
    const struct discover_status *status; /* or NULL */
    const struct discover_reload_result *reload; /* or NULL */
    const struct discover_checks *checks;        /* or NULL */
};

typedef void discover_answer_fn(void *arg, const struct discover_answer *answer);

/* ret_call: for discover_cancel; NULL: not wanted. */
DISCOVER_API DISCOVER_CHECK int discover_register_async(struct discover *d, struct discover_registration *r,
                                                        discover_answer_fn *fn, void *arg,
                                                        struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_deregister_async(struct discover *d, const char *service, const char *instance,
                                                          discover_answer_fn *fn, void *arg,
                                                          struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_heartbeat_async(struct discover *d, const char *service, const char *instance,
                                                         discover_answer_fn *fn, void *arg,
                                                         struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_drain_async(struct discover *d, struct discover_registration *r,
                                                     discover_answer_fn *fn, void *arg,
                                                     struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_override_async(struct discover *d, const char *service, const char *instance,
                                                        enum discover_state state, int on, discover_answer_fn *fn,
                                                        void *arg, struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_failover_async(struct discover *d, const char *service, const char *region,
                                                        discover_answer_fn *fn, void *arg,
                                                        struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_report_check_async(struct discover *d, const char *service,
                                                            const char *instance, const char *check,
                                                            enum discover_state state, const char *note,
                                                            discover_answer_fn *fn, void *arg,
                                                            struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_checks_async(struct discover *d, const char *service, const char *instance,
                                                      discover_answer_fn *fn, void *arg,
                                                      struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_status_async(struct discover *d, discover_answer_fn *fn, void *arg,
                                                      struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_reload_async(struct discover *d, discover_answer_fn *fn, void *arg,
                                                      struct discover_call **ret_call);
DISCOVER_API DISCOVER_CHECK int discover_leave_async(struct discover *d, discover_answer_fn *fn, void *arg,
                                                     struct discover_call **ret_call);

/* NULL is fine, and so is a call whose fn is running. */
DISCOVER_API void discover_cancel(struct discover_call *call);

#ifdef __cplusplus
}
#endif

#endif
