/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on a handle that all parts of the library use. */
#include "libdiscover/context.h"

#include <errno.h>
#include <stdio.h>

int context_check(const struct discover *d)
{
    if (!d->started)
        return -EINVAL;
    return maker_is_us(&d->maker) ? 0 : -ECHILD;
}

int context_error(struct discover *d, int code, const char *text)
{
    snprintf(d->last_error, sizeof d->last_error, "%s", text);
    return code;
}

void context_wake(const struct discover *d)
{
    poll_set_wake(&d->set);
}
