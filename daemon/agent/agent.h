/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write side: what is registered on this host, kept alive in the bucket. Programs and the configuration come to
 * registrar.h (who registers what); this is the rest of it: publisher.h (desired against acknowledged), lease_schedule.h
 * (the host's heartbeat), and what follows from the bus and from time.
 *
 * Main thread only. Pure: time comes in, everything else goes out through struct agent_ops; no op may call back
 * into the agent. Every call, also of the registrar, may move the next deadline: after it, agent_tick.
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

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/metrics.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/record.h"

struct agent;
struct override;
struct registrar;

/* What survives a restart of the daemon; kept by the store op, given back to agent_new. Zeros: nothing known. */
struct agent_identity {
    uint64_t node;      /* random; tells two hosts of one name apart */
    uint64_t epoch;     /* of the latest life */
    uint64_t min_epoch; /* the oldest life whose records that one vouched for */
    uint64_t boot;      /* agent_options.boot of the last life that had the host's name; 0: unknown, or it left */
    uint64_t life;      /* its random number in its leases */
};

struct agent_options {
    char host[LABEL_CAP];
    char region[LABEL_CAP], zone[LABEL_CAP];
    struct addresses addresses; /* of the host: in its lease, and in registrations that name none; none: those wait */
    bool tells;                 /* this host publishes events: said in its lease */
    bool allow_loopback;        /* registrations may name loopback addresses */
    char version[32];
    int64_t wall_ms; /* wall clock at start: the floor of the epoch */
    uint64_t boot;   /* random, of this machine since it was booted: a copy of its disk has another; 0: unknown */
    struct agent_identity identity;

    int64_t lease_ttl_ns;
    int64_t record_ttl_ns;    /* MaxAge of the bucket; each record is put again every third of it */
    int64_t restart_grace_ns; /* how long what an earlier life registered is vouched for; 0: not at all */
    uint32_t instances_max;
    uint32_t overrides_max;
    uint32_t window_max; /* puts in flight */
};

struct agent_ops {
    void *arg;

    /* The local catalog: at once. */
    void (*local_put)(void *arg, const struct instance_key *key, const struct record *record);
    void (*local_remove)(void *arg, const struct instance_key *key);
    void (*local_hide)(void *arg, const struct instance_key *key); /* it stays registered, and has no address now */

    /*
     * The bus: asynchronously. 0: taken, and agent_published(token) follows, or never if the put is lost; negative:
     * not taken. A put that is repeated has the token of the first. bytes live only during the call.
     */
    int (*publish)(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token);
    int (*unpublish)(void *arg, const char *key, uint64_t token);
    int (*publish_lease)(void *arg, const struct lease *lease, uint64_t token);

    /*
     * Watches a process until unwatch_pid; registrar_pid_gone follows when it dies. *start is its start time in clock
     * ticks since boot: 0 asks for it, else it must match (the pid was not used again). -ESRCH: gone. Called
     * once for a pid however many registrations it has; unwatch_pid may come after registrar_pid_gone.
     */
    int (*watch_pid)(void *arg, pid_t pid, uint64_t *start);
    void (*unwatch_pid)(void *arg, pid_t pid);

    /*
     * Keeps bytes under a short name across restarts (not across power failures), until forgotten. Negative: nothing has
     * changed. Forgetting what is not kept is no failure.
     */
    int (*store)(void *arg, const char *name, const uint8_t *bytes, size_t n);
    int (*forget)(void *arg, const char *name);

    /* The same when there is time for it, for what nobody is told of: n 0 forgets. A failure is registrar_note_failed. */
    void (*note)(void *arg, const char *name, const uint8_t *bytes, size_t n);

    uint64_t (*random)(void *arg);

    /*
     * Another live host uses our name. stand_down: it keeps the name, we publish nothing as long as it lives; else
     * we keep it. Said once for each life of the other.
     */
    void (*name_conflict)(void *arg, const struct lease *lease, bool stand_down);

    /* What drained is in maintenance from now on: the grace that an operator gave it is over. */
    void (*grace_over)(void *arg, const struct override *override);
};

/* Copies options and ops. A failing store is counted, no error. -ENOMEM. */
int agent_new(const struct agent_options *options, const struct agent_ops *ops, int64_t now_ns,
              struct agent **ret_agent);
void agent_free(struct agent *a);

/* Where registrations are taken (registrar.h): the agent's. */
struct registrar *agent_registrar(const struct agent *a);

/* --- from the bus --- */

void agent_connected(struct agent *a, int64_t now_ns);
void agent_disconnected(struct agent *a, int64_t now_ns);

/* A snapshot of SERVICES begins: what is not observed until agent_synced is not in the bucket. */
void agent_snapshot_begin(struct agent *a);

/* What a message of SERVICES holds under a key of this host; borrowed during the call. */
struct agent_seen {
    uint64_t seq;                /* of the message, in the stream */
    const struct record *record; /* NULL: it was deleted, unless it is alien */
    const uint8_t *bytes;        /* the record as it is stored; NULL: not known */
    size_t n;
    bool alien; /* nothing that a host writes: unreadable, or a foreign record */
};

/*
 * A key of this host was seen, in a snapshot or live. What this host did not write there is written over, or deleted,
 * at once.
 */
void agent_observed(struct agent *a, const struct instance_key *key, const struct agent_seen *seen, int64_t now_ns);

/* The snapshot is complete and was observed. */
void agent_synced(struct agent *a, int64_t now_ns);

/*
 * A lease of this host's name was seen, our own too, with its sequence in HOSTS; it was put age_ns ago. When it is an older one than NATS has
 * acknowledged, a late put has taken the newer one's place: the lease is put again at once.
 */
void agent_own_lease_seen(struct agent *a, const struct lease *lease, uint64_t seq, int64_t age_ns, int64_t now_ns);

/* Somebody deleted it: it is put again at once. */
void agent_own_lease_gone(struct agent *a, int64_t now_ns);

/* A snapshot of HOSTS begins: a lease of ours that is not seen until agent_hosts_synced is put again at once. */
void agent_hosts_snapshot_begin(struct agent *a);

/* It is complete: had there been another lease of our name, it would have been seen. */
void agent_hosts_synced(struct agent *a, int64_t now_ns);

/* Puts the lease at the next tick, to see whether it comes back. Nothing is put while the name is not ours. */
void agent_beat_now(struct agent *a, int64_t now_ns);

/* Whether that answer to a put is a refusal: NATS was there, and did not store it. */
static inline bool agent_refused(int err)
{
    return err && err != -ENOTCONN && err != -ETIMEDOUT;
}

/*
 * The answer to a put: 0 with the sequence it has in the stream, or a negative errno; and how long it took. Unknown and
 * late tokens are fine.
 */
void agent_published(struct agent *a, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns);

/* --- time --- */

/* Does what is due. Returns agent_deadline(). */
int64_t agent_tick(struct agent *a, int64_t now_ns);

/*
 * All that programs sent before read_ns has been handed over: only a TTL that ran out before that does run out. Without
 * a call: it is handed over at once. agent_waits_for_input: one has run out since, and agent_deadline does not name it.
 */
void agent_read_until(struct agent *a, int64_t read_ns);
bool agent_waits_for_input(const struct agent *a);

/* When agent_tick must be called next; INT64_MAX: only after another call. */
int64_t agent_deadline(const struct agent *a);

/* Stores the identity; again, after a store that failed: what is wrong may be over. */
void agent_store_identity(struct agent *a);

/* Begins the good-bye. Stored registrations stay stored: the next life brings them back. */
void agent_leave(struct agent *a, int64_t now_ns);

/* Whether the good-bye and all deletes are acknowledged, or there is nothing to say good-bye to. */
bool agent_left(const struct agent *a);

/* --- for status --- */

enum agent_name {
    AGENT_NAME_UNKNOWN, /* not connected yet, or another's lease may still live */
    AGENT_NAME_OURS,
    AGENT_NAME_CONFLICT, /* another live host has it: nothing is published */
};

struct agent_status {
    uint64_t epoch, min_epoch, node;
    uint32_t registrations; /* inherited ones included */
    uint32_t inherited;
    uint32_t waiting;        /* for the host to have an address */
    uint32_t unacknowledged; /* changes that NATS has not confirmed */
    uint32_t in_flight, window;
    bool lease_acknowledged; /* the latest */
    uint32_t refused;        /* records whose last put NATS refused */
    bool lease_refused;      /* the last lease was */
    enum agent_name name;
    bool publishing;       /* connected, and the name is ours */
    int64_t lease_seen_ns; /* when our lease last came back live, as the newest under our name; or publishing began */
};
struct agent_status agent_status(const struct agent *a);

/* The host is reached elsewhere now, or nowhere: a new lease, and new records of all that is registered at its address. */
void agent_set_addresses(struct agent *a, const struct addresses *addresses, int64_t now_ns);

/* Adds the agent's counters and gauges. -ENOMEM. */
int agent_add_metrics(struct agent *a, struct metrics *m);

#endif
