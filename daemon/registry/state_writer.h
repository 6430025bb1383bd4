/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept in the state directory for the next life alone, and nobody waits for: written a moment later, on a thread, so
 * that the disk keeps nobody. Of what changes again before that, the last word is written. Main thread only.
 */
#ifndef REGISTRY_STATE_WRITER_H
#define REGISTRY_STATE_WRITER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/agent/state_dir.h"

struct state_writer;

/*
 * Reports the writes that were made: 0, or a negative errno of one of them. Called from the loop, or from within
 * state_writer_put or state_writer_free.
 */
typedef void state_writer_fn(void *arg, int err);

/* state_dir stays the caller's. -ENOMEM, or a negative errno. */
int state_writer_new(struct event_base *base, struct state_dir *state_dir, state_writer_fn *written, void *arg,
                     struct state_writer **ret_w);

/* Writes what is left, and waits for the disk. NULL is fine. */
void state_writer_free(struct state_writer *w);

/* Keeps bytes under a name of at most STORED_NAME_CAP - 1 characters; n 0: forgets it. */
void state_writer_put(struct state_writer *w, const char *name, const uint8_t *bytes, size_t n);

#endif
