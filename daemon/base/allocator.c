/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of glibc's malloc, and what is given back from between what is in use. */
#include "daemon/base/allocator.h"

#include <malloc.h>
#include <unistd.h>

#define LARGE_BLOCK  (128 * 1024) /* has pages of its own, which go back when it is freed */
#define TRIM_EVERY_S 60
/* Every free block is looked at, while no thread can allocate: some 0.2 ms where half of it is free, 4 ms and more in 100 MB. */
#define TRIMMED_MAX (4 << 20)

static const char *heap_begin;

/*
 * nats.c makes new threads with each connection, and glibc gives threads heaps of their own, up to eight a core, each of
 * which keeps what it once needed: over an unsteady network the daemon would grow for hours. No path that has to be fast
 * allocates, so all share one heap.
 */
void allocator_init(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    /* Else glibc raises both with the first large block that is freed, to up to 64 MB that it does not give back. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK);
    heap_begin = sbrk(0);
}

/*
 * By itself glibc gives back only the end of the heap: what messages once took that waited there stays for as long as
 * anything lies behind it.
 */
void allocator_second(void)
{
    static unsigned seconds;
    if (++seconds % TRIM_EVERY_S == 0 && (const char *)sbrk(0) - heap_begin <= TRIMMED_MAX)
        (void)malloc_trim(0);
}
