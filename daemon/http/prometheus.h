/* SPDX-License-Identifier: Apache-2.0 */
/* All counters and gauges in Prometheus' text format, version 0.0.4. Main thread. */
#ifndef HTTP_PROMETHEUS_H
#define HTTP_PROMETHEUS_H

#include <event2/buffer.h>

#include "daemon/base/metrics.h"
#include "proto/api.pb-c.h"

/* Writes the registered metrics, and the numbers in the status as gauges. */
void prometheus_write(const struct metrics *m, const Discover__V1__Status *status, struct evbuffer *out);

#endif
