/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace contexts of the W3C (traceparent, tracestate), which go with a change to everybody who watches. Included by
 * discover/discover.h.
 *
 * The context of a change goes into the headers of its message in NATS, and to every watch (discover_change) on every
 * host. Where the daemon sends spans of its own (trace.endpoint), the context that arrives there names the daemon's
 * span as the parent. If a watch is called before the context of a change is known, it is called again, with no
 * differences.
 */
#ifndef DISCOVER_TRACES_H
#define DISCOVER_TRACES_H

#include <discover/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct discover;

/*
 * The context of what is registered, changed, drained and overridden by calls that begin from now on, until it is set
 * again:
 *
 *     discover_set_trace(d, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL);
 *     discover_register(d, r);
 *     discover_set_trace(d, NULL, NULL);
 *
 * traceparent NULL or "": no context; tracestate NULL or "": no state. Registrations that the library renews after a
 * restart of the daemon carry none. -EINVAL: not a valid traceparent or tracestate (discover_last_error says why), and
 * nothing has changed; -ENOMEM.
 */
DISCOVER_API DISCOVER_CHECK int discover_set_trace(struct discover *d, const char *traceparent, const char *tracestate);

#ifdef __cplusplus
}
#endif

#endif
