/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays on the heap that grow at their end. One thread at a time. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Makes room for one more element of that size behind the n there are: array is the address of the pointer to them, which
 * may move. -ENOMEM: nothing has changed.
 */
static inline int array_grow(void *array, size_t n, size_t *cap, size_t size)
{
    void **items = array;
    size_t more = *cap ? 2 * *cap : 8;
    if (n < *cap)
        return 0;
    void *larger = realloc(*items, more * size);
    if (!larger)
        return -ENOMEM;
    *items = larger;
    *cap = more;
    return 0;
}

#endif
