/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of instances that an earlier life of the daemon had registered for a user, kept for that user until the grace after
 * the restart is over: nobody else of this host takes them meanwhile. Pure; main thread.
 */
#ifndef AGENT_RESERVED_NAMES_H
#define AGENT_RESERVED_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

#include "libdiscover/core/label.h"

struct reserved_name;

struct reserved_names {
    struct reserved_name *by_key;
};

void reserved_names_fini(struct reserved_names *r);

/* Keeps the name for the user, in place of an earlier one. -ENOMEM. */
int reserved_names_add(struct reserved_names *r, const struct instance_key *key, uid_t uid);

/* For whom the name is kept; NULL: it is not. */
const uid_t *reserved_names_find(const struct reserved_names *r, const struct instance_key *key);

/* No error if the name is not kept. */
void reserved_names_remove(struct reserved_names *r, const struct instance_key *key);

/* Takes any name out of the set, and returns it; false: there is none left. */
bool reserved_names_take(struct reserved_names *r, struct instance_key *ret_key);

#endif
