/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must outlive a restart of the daemon, as files of the state directory: "identity", and a file for each registration
 * that outlives its connection and for each state that an operator has set. One file each, so that it is on disk before
 * it is acknowledged at a cost that does not grow with their number, and damage to one file is the loss of one.
 * Storing and forgetting: any thread, each name by one at a time; all else: main thread. Blocking, small writes without
 * fsync: a power failure kills the processes too, and the epoch never falls below the clock.
 */
#ifndef AGENT_STATE_DIR_H
#define AGENT_STATE_DIR_H

#include "daemon/agent/agent_ops.h"

#define STATE_DIR_FILE_MAX (256 * 1024) /* bytes of one file */

struct state_dir;

/* Makes the directory if it is missing. Or a negative errno. */
int state_dir_open(const char *dir, struct state_dir **ret_state);
void state_dir_close(struct state_dir *s);

/*
 * The ops of that name in struct agent_ops. bytes stay the caller's. -EFBIG: more than STATE_DIR_FILE_MAX; or a
 * negative errno.
 */
int state_dir_store(struct state_dir *s, const char *name, const uint8_t *bytes, size_t n);
int state_dir_forget(struct state_dir *s, const char *name);

/*
 * Reads "identity". Zeros when there is none yet. -EBADMSG: damaged (starting with a new one is safe); or a negative
 * errno.
 */
int state_dir_identity(struct state_dir *s, struct agent_identity *ret_identity);

/*
 * Calls fn for each that was stored under a name with that prefix (stored.h): pass it on to registrar_restore or
 * another of its kind. Where fn returns -EBADMSG the file is set aside (renamed *.bad), and counted in the result. Returns the number set aside, or a negative errno.
 */
typedef int state_dir_fn(void *arg, const uint8_t *bytes, size_t n);
int state_dir_each(struct state_dir *s, const char *prefix, state_dir_fn *fn, void *arg);

#endif
