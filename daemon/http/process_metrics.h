/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel knows of this process, under the names that all exporters of Prometheus have for it. Main thread. */
#ifndef HTTP_PROCESS_METRICS_H
#define HTTP_PROCESS_METRICS_H

#include "daemon/base/metrics.h"

typedef void process_metric_fn(void *arg, const struct metric *metric, double value);

/* Calls fn for each that can be found out. */
void process_metrics_each(process_metric_fn *fn, void *arg);

#endif
