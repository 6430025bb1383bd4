/* SPDX-License-Identifier: Apache-2.0 */
/* The last changes, by number. Main thread; pure. */
#ifndef CATALOG_CHANGE_LOG_H
#define CATALOG_CHANGE_LOG_H

#include <stdint.h>

#define CHANGE_LOG_SIZE 32768 /* a power of two; of a busy fleet (1,000 changes a second) half a minute */

struct change_log {
    uint64_t first, last; /* last: number of the latest; first: of the first of this life */
    uint64_t ids[CHANGE_LOG_SIZE];
};

static inline void change_log_init(struct change_log *l, uint64_t first)
{
    l->first = first + 1;
    l->last = first;
}

static inline void change_log_add(struct change_log *l, uint64_t id)
{
    l->ids[++l->last % CHANGE_LOG_SIZE] = id;
}

/* Whether it is known what came after the number. */
static inline int change_log_reaches(const struct change_log *l, uint64_t index)
{
    return index <= l->last && index + 1 >= l->first && l->last - index <= CHANGE_LOG_SIZE;
}

#endif
