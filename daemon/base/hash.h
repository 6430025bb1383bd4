/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash, with one answer to memory that is used up for the whole tree: left to itself it ends the process. Here
 * HASH_ADD_... leaves the element out instead, and hash_added(&element->hh) says false: then it is the caller's to free,
 * and -ENOMEM to return. A table that cannot grow its buckets goes on with those it has.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#define HASH_NONFATAL_OOM 1
#include <stdbool.h>
#include <uthash.h>

/* Right after HASH_ADD_...: whether the element is in the table. */
static inline bool hash_added(const UT_hash_handle *hh)
{
    return hh->tbl != NULL;
}

#endif
