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

/* What its instances are of. */
enum fleet_shape {
    FLEET_SPREAD,      /* services of 20 instances, in 50 domains */
    FLEET_ONE_SERVICE, /* one service */
    FLEET_ONE_DOMAIN,  /* a service each, of one domain */
};

struct fleet {
    enum fleet_shape shape; /* FLEET_SPREAD, until somebody says otherwise before anything is put */
    natsConnection *nc;
    jsCtx *js;
    size_t hosts, per_host;
    uint64_t *counters; /* of each record, the newest put; marked while it is not there */
    uint64_t *digests;  /* of each host */
    uint32_t *removed;  /* records of each host that are not there */
    uint64_t lease_counter;
};

/* Connects; puts nothing. */
void fleet_open(struct fleet *f, const char *url, size_t hosts, size_t per_host);
void fleet_close(struct fleet *f);

/* Puts a record of a host (again, changed), or takes one away that is there; a host's lease. Asynchronously. */
void fleet_put_record(struct fleet *f, size_t host, size_t i);
void fleet_remove_record(struct fleet *f, size_t host, size_t i);
void fleet_put_lease(struct fleet *f, size_t host);

/* Puts all records, and then the leases of all hosts. */
void fleet_put_all(struct fleet *f);

/* Waits until everything is acknowledged. */
void fleet_settle(struct fleet *f);

#endif
