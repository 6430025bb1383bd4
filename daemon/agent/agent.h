/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes what is registered on this host, and keeps it alive in the bucket. Programs and the configuration come to
 * registrar.h (who registers what); this is the rest of it: publisher.h (desired against acknowledged), lease_schedule.h
 * (the host's heartbeat), and what follows from the bus and from time.
 *
 * Main thread only. Pure: time comes in, everything else goes out through struct agent_ops (agent_ops.h); no op
 * may call back into the agent. Every call, also of the registrar, may move the next deadline: after it, agent_tick.
 *
 * What the local catalog holds of this host is the agent's alone (local_put, local_remove): what the bus says of
 * this host goes to agent_observed and nowhere else.
 *
 * The plan of a life:
 *   1. agent_new: an epoch above all earlier ones. Registrations are taken and served locally from here on.
 *   2. Connected: nothing is published until the name is known to be free (agent_own_lease_seen,
 *      agent_hosts_synced), so that two hosts of one name never fight over the keys.
 *   3. The lease, then the records. Until the grace is over min_epoch stays at the previous life's, and what that
 *      life left in the bucket stays served: it is *inherited* by whoever registers it again.
 *   4. Grace over and everything put again: min_epoch rises, what nobody claimed is removed.
 *   5. agent_leave: a lease that says good-bye, then the records are deleted.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "daemon/agent/agent_ops.h"
#include "daemon/agent/name_conflict.h"
#include "daemon/base/metrics.h"

struct agent;
struct overrides;
struct registrar;

/* Copies options and ops. A failing store is counted, no error. -ENOMEM. */
int agent_new(const struct agent_options *options, const struct agent_ops *ops, int64_t now_ns,
              struct agent **ret_agent);
void agent_free(struct agent *a);

/* Where registrations are taken (registrar.h): the agent's. */
struct registrar *agent_registrar(struct agent *a);

/* --- from the bus --- */

/* The bus begins to look for a server; without this call it began when the agent was made. */
void agent_bus_begins(struct agent *a, int64_t now_ns);
void agent_connected(struct agent *a, int64_t now_ns);
void agent_disconnected(struct agent *a, int64_t now_ns);

/* A snapshot of SERVICES begins: what is not observed until agent_synced is not in the bucket. */
void agent_snapshot_begin(struct agent *a);

/*
 * A key of this host was seen, in a snapshot or live. What this host did not write there is written over, or deleted,
 * at once.
 */
void agent_observed(struct agent *a, const struct instance_key *key, const struct agent_seen *seen, int64_t now_ns);

/* A complete snapshot was observed: what the bucket holds of this host is known. */
void agent_synced(struct agent *a, int64_t now_ns);

/*
 * A lease of this host's name was seen, our own too, with its sequence in HOSTS; it was put age_ns ago. When it is an older one than NATS has
 * acknowledged, a late put has taken the newer one's place: the lease is put again at once.
 */
void agent_own_lease_seen(struct agent *a, const struct lease *lease, uint64_t seq, int64_t age_ns, int64_t now_ns);

/* The lease was deleted: it is put again at once. */
void agent_own_lease_gone(struct agent *a, int64_t now_ns);

/* A snapshot of HOSTS begins: a lease of ours that is not seen until agent_hosts_synced is put again at once. */
void agent_hosts_snapshot_begin(struct agent *a);

/* The snapshot of HOSTS is complete: had there been another lease of our name, it would have been seen. */
void agent_hosts_synced(struct agent *a, int64_t now_ns);

/* Puts the lease at the next tick, to see whether it comes back. Nothing is put while the name is not ours. */
void agent_beat_now(struct agent *a, int64_t now_ns);

/*
 * The answer to a put: 0 with the sequence it has in the stream, or a negative errno; and how long it took. Unknown and
 * late tokens are fine.
 */
void agent_published(struct agent *a, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns);

/* --- time --- */

/* Does what is due. Returns agent_deadline(). */
int64_t agent_tick(struct agent *a, int64_t now_ns);

/*
 * All requests that programs sent before read_ns (monotonic) have been handed over, so only a TTL that ran out before
 * it does run out. Without a call, they are handed over at once. agent_waits_for_input: a TTL has run out since
 * read_ns, which agent_deadline does not name.
 */
void agent_read_until(struct agent *a, int64_t read_ns);
bool agent_waits_for_input(const struct agent *a);

/* When agent_tick must be called next; INT64_MAX: only after another call. */
int64_t agent_deadline(const struct agent *a);

/* Stores the identity; again, if an earlier store failed: its cause may be gone. */
void agent_store_identity(struct agent *a);

/* Begins the good-bye. Stored registrations stay stored: the next life brings them back. */
void agent_leave(struct agent *a, int64_t now_ns);

/* Whether NATS has acknowledged the lease that says good-bye and all deletes, or this host had published nothing. */
bool agent_left(const struct agent *a);

/* --- for status --- */

struct agent_status {
    uint64_t epoch, min_epoch, node;
    uint32_t registrations; /* inherited ones included */
    uint32_t inherited;
    uint32_t waiting;        /* for the host to have an address */
    uint32_t unacknowledged; /* changes that NATS has not confirmed */
    bool lease_acknowledged; /* the latest */
    uint32_t refused;        /* records whose last put NATS refused */
    bool lease_refused;      /* the last lease was */
    enum agent_name name;
    bool publishing;       /* connected, and the name is ours */
    int64_t lease_seen_ns; /* when our lease last came back live, as the newest under our name; or publishing began */
};
struct agent_status agent_status(const struct agent *a);

/* All overrides that are in force; valid until the next call. */
const struct overrides *agent_overrides(const struct agent *a);

/* The host is reached elsewhere now, or nowhere: a new lease, and new records of all that is registered at its address. */
void agent_set_addresses(struct agent *a, const struct addresses *addresses, int64_t now_ns);

/* Adds the agent's counters and gauges. -ENOMEM. */
int agent_add_metrics(struct agent *a, struct metrics *m);

#endif
