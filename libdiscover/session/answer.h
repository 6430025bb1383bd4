/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the daemon's answers into the public form that callbacks get (discover.h). Any thread; it runs the caller's
 * code.
 */
#ifndef LIBDISCOVER_SESSION_ANSWER_H
#define LIBDISCOVER_SESSION_ANSWER_H

#include "discover/discover.h"
#include "proto/api.pb-c.h"

/* The answer that fn gets with one part of a Document; discover_document joins the parts. Valid during the call. */
struct answer_with_part {
    struct discover_answer answer;
    const Discover__V1__Document *part; /* NULL: there is none */
};

/*
 * Calls fn once. text: the reason for a negative result, else the instance's name or "". body: NULL, Status, Checks,
 * Reloaded or Document; of the last, the answer is a struct answer_with_part.
 */
void answer_deliver(int result, const char *text, const ProtobufCMessage *body, discover_answer_fn *fn, void *arg);

#endif
