/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this is the process that something was made in, or a forked child with a copy of it. A process id is not
 * enough to tell: ids are used again, and in a PID namespace of its own a child may have its parent's. So the process
 * is marked by a page that the kernel empties in children. Any thread, once it is set.
 */
#ifndef CORE_MAKER_H
#define CORE_MAKER_H

#include <stdbool.h>
#include <sys/types.h>

struct maker {
    char *mark; /* the page; NULL: not set */
    bool wiped; /* the kernel empties the page in children */
    pid_t pid;  /* the process, compared where the kernel does not do that (before Linux 4.14) */
};

/* Marks this process as the maker. -ENOMEM. */
int maker_set(struct maker *o);
void maker_unset(struct maker *o);

bool maker_is_us(const struct maker *o);

#endif
