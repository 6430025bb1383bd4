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
 * Each returns at once: a negative result (a bad name or argument, -ENOMEM, -ECHILD, DISCOVER_E_UNKNOWN where the
 * handle knows) if no call was begun; 0 if one was. Then fn (may be NULL) is called exactly once with the outcome, by
 * discover_dispatch, never before the function has returned. Outcomes are those of the call that waits (discover.h),
 * and come after its time-out at the latest: -ETIMEDOUT. DISCOVER_E_UNSYNCED: there is no connection, or it has ended.
 * Calls are sent in the order in which they are made, and any number may be under way.
 *
 * discover_cancel, as long as fn was not called: calls it now, with -ECANCELED unless the answer is there. The daemon
 * may do what it was asked all the same; the handle keeps a registration until it is deregistered. discover_free
 * cancels all calls under way, in a forked child, too; calls that their callbacks begin then fail with -EINVAL.
 *
 * Registrations are copied; the name that the daemon makes up is in the answer. A registration that is registered again
 * before the answer came gets one answer for each call.
 */
struct discover_call;

/* The outcome of a call. Valid only while fn runs; later versions add members at the end. */
struct discover_answer {
    int result;
    const char *error;                    /* what the daemon or the system said, if the result is negative; or "" */
    const char *instance;                 /* of a registration: the instance's name; else "" */
    const struct discover_status *status; /* of discover_status_async; else NULL */
    const struct discover_reload_result *reload; /* of discover_reload_async; else NULL */
    const struct discover_checks *checks;        /* of discover_checks_async; else NULL */
};

typedef void discover_answer_fn(void *arg, const struct discover_answer *answer);

/* ret_call: what discover_cancel takes; may be NULL. */
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

/* call may be NULL, or one whose fn is running; neither has an effect. */
DISCOVER_API void discover_cancel(struct discover_call *call);

#ifdef __cplusplus
}
#endif

#endif
