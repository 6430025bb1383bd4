/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a handle connected, registered and supplied with a table. The handle's thread. Never blocks.
 *
 * The plan:
 *   1. Connect; after a failure again, with a jittered back-off.
 *   2. Say Hello. Welcome brings the table: up. Register again whatever is held.
 *   3. While up: TableMoved brings another table; answers go to what is held and to the calls that wait for them;
 *      all else to d->events.
 *   4. The stream ends, the daemon refuses us or talks nonsense: close, keep the table, fail the calls that wait, back to 1.
 *   5. A registration whose renewal was refused is sent again after a back-off: perhaps the daemon had not noticed
 *      yet that our old connection has ended.
 */
#ifndef LIBDISCOVER_SESSION_LINK_H
#define LIBDISCOVER_SESSION_LINK_H

#include "libdiscover/context.h"

/* The receiver of what the link does not handle itself (handle.c). */
struct link_events {
    int (*up)(struct discover *d); /* registrations were sent: sends what else it needs; a negative errno: it ends */
    void (*message)(struct discover *d, const Discover__V1__ServerMessage *msg);
};

/* Does whatever is due on the connection. Errors are left in d->fault. */
void link_step(struct discover *d);

/* Connects; while down. DISCOVER_E_UNSYNCED: no daemon; both that and an errno: another try is scheduled. */
int link_open(struct discover *d);

/*
 * The program has closed descriptors of the handle. What was connected is so again, by another connection if need be.
 */
void link_descriptors_gone(struct discover *d, bool set_is_new);

/* Sets the timer to what comes next, after something was added to what is due. */
void link_arm(struct discover *d);

/* Gives a message of that kind an id (d->last_id), and sends it. After a failure the connection is of no more use. */
int link_queue(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body);

/*
 * Begins a call, which is taken over: it is sent at once, or when the link is up. What cannot be sent has ended by now.
 */
void link_start(struct discover_call *call);

/* For messages that are packed before they are sent. Never 0. */
uint32_t link_next_id(struct discover *d);

/* The error that an answer carries, its reason kept for discover_last_error; and the result for its code alone. */
int link_daemon_error(struct discover *d, const Discover__V1__Error *error);
int link_result_of(Discover__V1__Error__Code code);

#endif
