/* SPDX-License-Identifier: Apache-2.0 */
/* Watches (discover.h), as the link and dispatch know them. The handle's thread. */
#ifndef LIBDISCOVER_WATCH_H
#define LIBDISCOVER_WATCH_H

#include "libdiscover/context.h"

/* Something may have changed in the service (NULL: in all): watches_run will look. */
void watches_mark(struct discover *d, const char *service);

/* The same, and the change came with that trace context. */
void watches_traced(struct discover *d, const char *service, const char *traceparent, const char *tracestate);

/* Calls whose set is another one than it was told. Only from dispatch. */
void watches_run(struct discover *d);

/* Tells a daemon that is new to us. A negative errno ends the connection. */
int watches_send(struct discover *d);

/* Tells what each of them looks up. */
typedef void watch_key_fn(void *arg, const char *key);
void watches_each(const struct discover *d, watch_key_fn *fn, void *arg);

/* Whether the message with that id was a watch's. */
bool watches_asked(const struct discover *d, uint32_t id);

#endif
