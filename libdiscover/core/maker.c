/* SPDX-License-Identifier: Apache-2.0 */
/* Marks a process by a page that is wiped in its forked children (madvise(2), MADV_WIPEONFORK). */
#include "libdiscover/core/maker.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define MARK_BYTES 1 /* the kernel makes it a page */

int maker_set(struct maker *o)
{
    char *mark = mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED)
        return -ENOMEM;
    bool wiped = madvise(mark, MARK_BYTES, MADV_WIPEONFORK) == 0;
    *mark = 1;
    *o = (struct maker){mark, wiped, getpid()};
    return 0;
}

void maker_unset(struct maker *o)
{
    if (o->mark)
        munmap(o->mark, MARK_BYTES);
    *o = (struct maker){0};
}

bool maker_is_us(const struct maker *o)
{
    return o->mark && (o->wiped ? *o->mark == 1 : o->pid == getpid());
}
