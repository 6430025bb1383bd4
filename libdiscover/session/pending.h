/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that wait for the daemon (discover.h). The handle's thread. No function but those that say so runs code of
 * the caller's.
 *
 * The plan:
 *   1. A call begins: it is sent at once, or when the link is up.
 *   2. It ends once: with the answer to its message, with its time, or because there is no daemon to connect to.
 *   3. Its result is delivered once: from dispatch, when it is cancelled, or when the handle is freed. Then it is gone.
 *   4. A call of several parts ends with the last of them; each part is a call without a callback of its own.
 *   5. Time counts from when the call began, or from when the daemon fell silent, if that was before: many calls to a
 *      daemon that does not answer wait once, not one after the other.
 */
#ifndef LIBDISCOVER_SESSION_PENDING_H
#define LIBDISCOVER_SESSION_PENDING_H

#include "libdiscover/context.h"

/* A call for a message, whose answer is to be of that kind; for a registration (msg NULL); or of parts. -ENOMEM. */
int pending_new(struct discover *d, Discover__V1__ClientMessage *msg, Discover__V1__ServerMessage__BodyCase expected,
                struct discover_call **ret_call);
void pending_add_part(struct discover_call *whole, struct discover_call *part);

/* 1. It takes the call over; link_start sends it. */
void pending_add(struct discover_call *call);

/* 2. text: the reason for a negative result, else the instance's name or "". The other one: a part of it has ended. */
void pending_end(struct discover_call *call, int result, const char *text);
void pending_end_part(struct discover_call *whole, int result, const char *text);

/* Whether a call waits for the answer to that message. Gives it to those that do; it may take the message's body. */
bool pending_asked(const struct discover *d, uint32_t id);
void pending_answered(struct discover *d, Discover__V1__ServerMessage *msg);

/*
 * The connection could not be made, or has ended for a reason: all calls end with that. Returns whether there were
 * any.
 */
bool pending_lost(struct discover *d, const char *reason);

/*
 * The connection has ended without a word, as it does when the daemon is restarted: where its socket outlives it (systemd's),
 * the next life answers there, and what may be said twice waits for that. Returns whether a call does so for the first time.
 */
bool pending_interrupted(struct discover *d);

/* Ends those whose time is over. */
void pending_expire(struct discover *d, int64_t now_ns);
int64_t pending_deadline(const struct discover_call *call);

/* 3. These call completions. The second: those that have ended by now. The third: all. */
void pending_deliver(struct discover_call *call);
void pending_deliver_ended(struct discover *d);
void pending_cancel_all(struct discover *d);

#endif
