/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for how many instances of a service a host's table has; its library handle (host_lib) is open. Fails the test. */
#ifndef BENCH_AWAIT_COUNT_H
#define BENCH_AWAIT_COUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/host.h"

bool has_count(struct host *h, const char *service, size_t n);

/* Ready when the host's table has n instances. Sleeps between looks, to leave the processors to the others. */
void await_count(struct host *h, const char *service, size_t n);

#endif
