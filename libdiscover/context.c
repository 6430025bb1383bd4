/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the library may do with a handle. */
#include "libdiscover/context.h"

#include <errno.h>
#include <stdio.h>

int64_t context_deadline(const struct discover *d)
{
    return clock_now_ns() + d->timeout_ms * NS_PER_MS;
}

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
