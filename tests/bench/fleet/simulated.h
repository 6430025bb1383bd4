/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of hosts that exist only as what they put: records and leases as a daemon would write them, digests included,
 * through a real connection to a real server. Fails the test when it fails. One thread.
 */
#ifndef BENCH_SIMULATED_H
#define BENCH_SIMULATED_H

#include <stddef.h>
#include <stdint.h>

#include <nats/nats.h>

struct fleet {
    natsConnection *nc;
    jsCtx *js;
    size_t hosts, per_host;
    uint64_t *counters; /* of each record, the newest put */
    uint64_t *digests;  /* of each host */
    uint64_t lease_counter;
};

/* Connects; puts nothing. */
void fleet_open(struct fleet *f, const char *url, size_t hosts, size_t per_host);
void fleet_close(struct fleet *f);

/* Puts a record of a host (again, changed); a host's lease. Asynchronously. */
void fleet_put_record(struct fleet *f, size_t host, size_t i);
void fleet_put_lease(struct fleet *f, size_t host);

/* Waits until everything is acknowledged. */
void fleet_settle(struct fleet *f);

#endif
