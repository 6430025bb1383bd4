/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of instances whose user is still to be stored. That costs a file each, and nothing that a program or another host
 * waits for: so it comes a moment later, some at a time. Pure; main thread.
 */
#ifndef AGENT_NAME_NOTES_H
#define AGENT_NAME_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/label.h"

#define NAME_NOTES_AT_ONCE 4

/* Zeroed: none. */
struct name_notes {
    struct instance_key *due;
    size_t n, cap;
    int64_t due_ns; /* when the next few are; only if there are any */
};

void name_notes_fini(struct name_notes *notes);

/* -ENOMEM: it has to be stored at once. */
int name_notes_add(struct name_notes *notes, const struct instance_key *key, int64_t now_ns);

/* Takes one out, whenever it is due; false: there is none. */
bool name_notes_take(struct name_notes *notes, struct instance_key *ret_key);

/* Some have been taken: the others have time. */
void name_notes_pause(struct name_notes *notes, int64_t now_ns);

/* INT64_MAX: none. */
int64_t name_notes_deadline(const struct name_notes *notes);

#endif
