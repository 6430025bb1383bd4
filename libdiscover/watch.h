/* SPDX-License-Identifier: Apache-2.0 */
/* Watches (discover.h), as the link and dispatch know them. The handle's thread. */
#ifndef LIBDISCOVER_WATCH_H
#define LIBDISCOVER_WATCH_H

#include "libdiscover/context.h"

/* Something may have changed in the service (NULL: in all): watches_run will look. */
void watches_mark(struct discover *d, const char *service);

/* The newest change of the service came with that trace context: reported with the next look, or by one of its own. */
void watches_traced(struct discover *d, const char *service, const char *traceparent, const char *tracestate);

/* Calls each watch whose set differs from the one that it was called with last. Only from dispatch. */
void watches_run(struct discover *d);

/* Sends all watches to the daemon, on a new connection. A negative errno ends the connection. */
int watches_send(struct discover *d);

/* Tells the DNS source, which is there, what is watched. */
void watches_want(const struct discover *d);

/* Whether the message with that id was sent for a watch. */
bool watches_asked(const struct discover *d, uint32_t id);

#endif
