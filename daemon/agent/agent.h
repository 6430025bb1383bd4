/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write side: what is registered on this host, kept alive in the bucket. The facade over registrations.h
 * (who registered what), publisher.h (desired against acknowledged) and lease_schedule.h (the host's heartbeat).
 *
 * Main thread only. Pure: time comes in, everything else goes out through struct agent_ops; no op may call back
 * into the agent. Every call may move the next deadline: after it, arm the timer at agent_deadline().
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
#include "daemon/agent/overrides.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/record.h"

struct agent;

/* What survives a restart of the daemon; kept by the store op, given back to agent_new. Zeros: nothing known. */
struct agent_identity {
    uint64_t node;      /* random; tells two hosts of one name apart */
    uint64_t epoch;     /* of the latest life */
    uint64_t min_epoch; /* the oldest life whose records that one vouched for */
};

struct agent_options {
    char host[LABEL_CAP];
    char region[LABEL_CAP], zone[LABEL_CAP];
    struct addresses addresses; /* of the host: in its lease, and in registrations that name none; none: those wait */
    bool allow_loopback;        /* registrations may name loopback addresses */
    char version[32];
    int64_t wall_ms; /* wall clock at start: the floor of the epoch */
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
     * Watches a process until unwatch_pid; agent_pid_gone follows when it dies. *start is its start time in clock
     * ticks since boot: 0 asks for it, else it must match (the pid was not used again). -ESRCH: gone. Called
     * once for a pid however many registrations it has; unwatch_pid may come after agent_pid_gone.
     */
    int (*watch_pid)(void *arg, pid_t pid, uint64_t *start);
    void (*unwatch_pid)(void *arg, pid_t pid);

    /*
     * Keeps bytes under a short name across restarts (not across power failures), until forgotten. Negative: nothing has
     * changed. Forgetting what is not kept is no failure.
     */
    int (*store)(void *arg, const char *name, const uint8_t *bytes, size_t n);
    int (*forget)(void *arg, const char *name);

    uint64_t (*random)(void *arg);

    /*
     * Another live host uses our name. stand_down: it keeps the name, we publish nothing as long as it lives; else
     * we keep it. Said once for each life of the other.
     */
    void (*name_conflict)(void *arg, const struct lease *lease, bool stand_down);
};

/* Copies options and ops. A failing store is counted, no error. -ENOMEM. */
int agent_new(const struct agent_options *options, const struct agent_ops *ops, int64_t now_ns,
              struct agent **ret_agent);
void agent_free(struct agent *a);

/*
 * Brings back a registration that an earlier life stored; right after agent_new. -ESRCH: its process is gone
 * (forgotten); -EBADMSG: not a stored registration; or as agent_register.
 */
int agent_restore(struct agent *a, const uint8_t *bytes, size_t n, int64_t now_ns);

struct agent_request {
    uint64_t client; /* the connection, never used again for another one */
    uid_t uid;
    struct instance_key key; /* the host is ignored; instance "": the agent makes one up */
    struct record record;    /* epoch and counter are ignored; no address: the host's */
    int64_t ttl_ns;          /* not 0: lives that long after the last heartbeat */
    pid_t pid;               /* not 0: lives as long as that process; else as long as the connection */
    bool take_over;          /* from another connection of the same user */
    uint8_t checked;         /* its state by its checks (enum discover_state); 0: it has none yet */
};

/*
 * Registers, or changes what the same owner registered before. -EINVAL with *ret_why; -EEXIST: of another live
 * owner; -ENOSPC: instances_max; -ESRCH: no such process; -ESHUTDOWN: leaving; -EIO: what it is to be remembered by
 * cannot be stored, so nothing has changed; -ENOMEM.
 */
int agent_register(struct agent *a, const struct agent_request *request, int64_t now_ns,
                   char ret_instance[static LABEL_CAP], const char **ret_why);

/*
 * Removes. Allowed to the connection that registered it, to its user and to root. -ENOENT; -EPERM (also: it comes
 * from the configuration); -EIO: it cannot be forgotten, so it stays.
 */
int agent_deregister(struct agent *a, const struct instance_key *key, uint64_t client, uid_t uid, int64_t now_ns);

/* -ENOENT; -EPERM; -EINVAL: it has no TTL. */
int agent_heartbeat(struct agent *a, const struct instance_key *key, uint64_t client, uid_t uid, int64_t now_ns);

void agent_client_gone(struct agent *a, uint64_t client, int64_t now_ns);
void agent_pid_gone(struct agent *a, pid_t pid, int64_t now_ns);

/*
 * What checks found. Weighed against what the owner said: maintenance and draining stay, otherwise the worse of
 * the two counts. -ENOENT.
 */
int agent_set_state(struct agent *a, const struct instance_key *key, enum discover_state state, int64_t now_ns);

/* Whether a client may say how the instance is: as with a heartbeat, and anybody of one of the configuration. -ENOENT, -EPERM. */
int agent_may_report(const struct agent *a, const struct instance_key *key, uint64_t client, uid_t uid);

/* The port of what is registered, and not only inherited. -ENOENT. */
int agent_registered_port(const struct agent *a, const struct instance_key *key, uint16_t *ret_port);

/* Ends a registration, whoever has made it, also one of the configuration, until that is set again. */
void agent_drop(struct agent *a, const struct instance_key *key, int64_t now_ns);

/* The state of what an earlier life has registered, and nobody has claimed yet; 0: nothing of that name. */
enum discover_state agent_inherited_state(const struct agent *a, const struct instance_key *key);

/*
 * An operator's word over the programs', for instances that are here and that will come; kept across restarts, until it
 * is taken back (on = false) for just the same instances and state. -EINVAL: names or state; -ENOSPC; -ENOENT: it is not
 * in force; -EIO: it cannot be stored, so nothing has changed; -ENOMEM.
 */
int agent_override(struct agent *a, const struct override *override, bool on, int64_t now_ns);

/* Brings back one that an earlier life stored; right after agent_new. -EBADMSG; or as agent_override. */
int agent_restore_override(struct agent *a, const uint8_t *bytes, size_t n, int64_t now_ns);

/*
 * Keeps the name of an instance for the user who had it in an earlier life, until the grace is over; right after agent_new,
 * from what was stored. -EBADMSG, -ENOMEM.
 */
int agent_restore_name(struct agent *a, const uint8_t *bytes, size_t n);

/* All that are in force; valid until the next call. */
const struct overrides *agent_overrides(const struct agent *a);

/*
 * Something that an earlier life had registered, by what the state directory has kept: inherited as what is found in the
 * bucket is, unless somebody has the name. After agent_restore.
 */
void agent_inherit(struct agent *a, const struct instance_key *key, const struct record *record, int64_t now_ns);

/* One service of the configuration. */
struct agent_service {
    struct instance_key key; /* the agent writes the host here; and the instance, where it is "" */
    struct record record;
    uint8_t checked;     /* as in a request */
    int ret_result;      /* 0, or as agent_register */
    const char *ret_why; /* when -EINVAL */
};

/*
 * Replaces the set of static registrations: begin, each that there is, and end until that says true: what was not set since
 * is removed, one a call. Other calls may come in between; a begin before the end begins anew.
 */
void agent_static_begin(struct agent *a);

/* One of them ends by itself; any other registration of that name stays. */
void agent_static_drop(struct agent *a, const struct instance_key *key, int64_t now_ns);
void agent_static_set(struct agent *a, struct agent_service *service, int64_t now_ns);
bool agent_static_end(struct agent *a, int64_t now_ns);

/* Why a registration was refused, for people, where nothing more is said of it: a static text. */
const char *agent_refusal(int err);

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

/* The daemon did not run for a while, and heard nobody's heartbeats: each TTL begins anew. */
void agent_stalled(struct agent *a, int64_t now_ns);

/* When agent_tick must be called next; INT64_MAX: only after another call. */
int64_t agent_deadline(const struct agent *a);

/* Stores the identity again, after a store that failed: what is wrong may be over. */
void agent_store_again(struct agent *a);

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
