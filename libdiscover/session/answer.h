/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon answered, as the caller gets it (discover.h). Any thread; it runs code of the caller's. */
#ifndef LIBDISCOVER_SESSION_ANSWER_H
#define LIBDISCOVER_SESSION_ANSWER_H

#include "discover/discover.h"
#include "proto/api.pb-c.h"

/* What fn gets of a Document, which programs are given whole (discover_document); lives during the call. */
struct answer_with_part {
    struct discover_answer answer;
    const Discover__V1__Document *part; /* NULL: there is none */
};

/*
 * Calls fn once. text: the reason for a negative result, else the instance's name or "". body: NULL, Status, Checks, Reloaded or
 * Document; of the last, the answer is a struct answer_with_part.
 */
void answer_tell(int result, const char *text, const ProtobufCMessage *body, discover_answer_fn *fn, void *arg);

#endif
