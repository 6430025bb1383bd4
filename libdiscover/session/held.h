/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrations that a handle wants to exist: a list that outlives connections. Pure; the handle's thread.
 *
 * A changed registration stands beside the copy that the daemon has until it is confirmed, so that a refused
 * change leaves what was there; so do several that wait for their answers.
 */
#ifndef LIBDISCOVER_SESSION_HELD_H
#define LIBDISCOVER_SESSION_HELD_H

#include <stdbool.h>

#include "libdiscover/core/trace_context.h"
#include "libdiscover/session/registration.h"

struct held {
    struct held *next;
    struct discover_registration registration;
    uint32_t request;            /* id of its message that waits for an answer; 0: none */
    struct trace_context *trace; /* trace context to register it with; NULL: none, or it was sent already */
    bool confirmed;              /* the daemon has it, or had it when the connection ended */
    int refused;                 /* error of the last answer; 0: it was accepted, or there was none */
};

/*
 * Adds a copy at the end; drops an older one of the same registration that the daemon will not have. trace: that it
 * comes with, or NULL. -ENOMEM.
 */
int held_add(struct held **list, const struct discover_registration *r, const struct trace_context *trace,
             struct held **ret_held);
void held_drop(struct held **list, struct held *held);
void held_drop_all(struct held **list);

/* The first that matches, but for held_newest, which returns the last; NULL: none. */
struct held *held_by_serial(struct held *list, uint64_t serial);
struct held *held_newest(struct held *list, uint64_t serial);
struct held *held_by_request(struct held *list, uint32_t request);
struct held *held_by_name(struct held *list, const char *service, const char *instance);

/* The daemon has it now, under this name: older copies of the same registration go. -EINVAL: that is no name. */
int held_confirm(struct held **list, struct held *held, const char *instance);

/* The connection has ended: no registration waits for an answer any more. */
void held_unanswered(struct held *list);

#endif
