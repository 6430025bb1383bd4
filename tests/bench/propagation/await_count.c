/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a host's table, as exactly as can be without taking a processor from the others. */
#include "tests/bench/propagation/await_count.h"

#include <check.h>
#include <discover/discover.h>
#include <time.h>

#include "libdiscover/core/clock.h"

#define LIMIT_MS 5000

bool has_count(struct host *h, const char *service, size_t n)
{
    struct discover_endpoint endpoint;
    size_t found;
    int result = discover_resolve(h->lib, service, &endpoint, 1, &found);
    return n == (result >= 0 ? found : 0) && result != DISCOVER_E_BUSY;
}

void await_count(struct host *h, const char *service, size_t n)
{
    int64_t start_ns = clock_now_ns();

    while (!has_count(h, service, n)) {
        if (clock_now_ns() - start_ns > LIMIT_MS * NS_PER_MS)
            ck_abort_msg("host %s: not %zu instances", h->name, n);
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_US}, NULL);
    }
    if (discover_dispatch(h->lib) < 0)
        ck_abort_msg("host %s: no connection", h->name);
}
