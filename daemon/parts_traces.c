/* SPDX-License-Identifier: Apache-2.0 */
/* Traces as a part: before whatever hands contexts on, after the loop that their spans are sent from. */
#include "daemon/daemon.h"

int traces_part_start(struct daemon *d)
{
    return tracing_new(d->base, d->config, DAEMON_VERSION, d->metrics, &d->tracing);
}

void traces_part_stop(struct daemon *d)
{
    tracing_free(d->tracing);
}
