/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a service's instances by their ids, remembered for those that have gone. One thread. */
#ifndef CTL_INSTANCE_NAMES_H
#define CTL_INSTANCE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "discover/discover.h"

struct instance_names {
    struct instance_name {
        uint64_t id;
        char *name; /* "host/instance" */
    } * all;
    size_t n, cap;
};

/* "host/instance" of an endpoint of the service; "?": not known. Lives until the next call. */
const char *instance_names_find(struct instance_names *names, struct discover *d, const char *service, uint64_t id);

/* It has gone, and will not be asked for again. */
void instance_names_forget(struct instance_names *names, uint64_t id);
void instance_names_fini(struct instance_names *names);

#endif
