/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls that ask the daemon (call.c, call_operator.c) have in common: they begin, ask, and call back later; or
 * wait. The handle's thread.
 */
#ifndef LIBDISCOVER_CALL_H
#define LIBDISCOVER_CALL_H

#include "libdiscover/context.h"

/* What the caller of an asynchronous call passed: whom to call with the answer, and where to put the call. */
struct call_completion {
    discover_answer_fn *fn;
    void *arg;
    struct discover_call **ret_call;
};

/* The outcome of a call that waits, and the caller's own callback, if any, that gets what the answer contains. */
struct call_outcome {
    struct discover *d;
    struct discover_call *call;
    int result;
    struct discover_registration *registration;
    discover_status_fn *status_fn;
    discover_reload_fn *reload_fn;
    discover_checks_fn *checks_fn;
    void *arg;
};

/* Whether the handle may be used now; -EINVAL, or as context_check, which discover_last_error explains. */
int call_begin(struct discover *d);

/* The same, and whether these are names: DISCOVER_E_NAME, -EINVAL for NULL. instance may be "". */
int call_begin_of(struct discover *d, const char *service, const char *instance);

/* Sends a message of that kind, now or when there is a connection. expected: the kind of its answer. -ENOMEM. */
int call_ask(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body,
             Discover__V1__ServerMessage__BodyCase expected, const struct call_completion *to);

/*
 * For the calls that wait: call_on_outcome is their completion, with a struct call_outcome as its arg; call_await
 * waits for it and returns the result. err: what beginning the call returned; when negative there is nothing to wait
 * for.
 */
void call_on_outcome(void *arg, const struct discover_answer *answer);
int call_await(struct call_outcome *o, int err);

#endif
