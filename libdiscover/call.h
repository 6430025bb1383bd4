/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls that ask the daemon (call.c, call_operator.c) have in common: they begin, ask, and tell later; or wait. The
 * handle's thread.
 */
#ifndef LIBDISCOVER_CALL_H
#define LIBDISCOVER_CALL_H

#include "libdiscover/context.h"

/* Where the answer goes. */
struct call_completion {
    discover_answer_fn *fn;
    void *arg;
    struct discover_call **ret_call;
};

/* What a call that was waited for came to, and who else is told of it. */
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

/* Whether the handle may be used now; -EINVAL, or as context_check, which discover_last_error tells. */
int call_begin(struct discover *d);

/* Sends a message of that kind, or will; the answer is to be of that kind. -ENOMEM. */
int call_ask(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body,
             Discover__V1__ServerMessage__BodyCase expected, const struct call_completion *to);

/* The completion of who waits; arg: an outcome. And waits. err: of its beginning. */
void call_on_outcome(void *arg, const struct discover_answer *answer);
int call_await(struct call_outcome *o, int err);

#endif
