/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of the agent to its surroundings: its options, the functions it calls, and what it is shown of the bucket. */
#ifndef AGENT_AGENT_OPS_H
#define AGENT_AGENT_OPS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libdiscover/core/address.h"
#include "libdiscover/core/record.h"

struct override;

/* What survives a restart of the daemon; kept by the store op, given back to agent_new. Zeros: nothing known. */
struct agent_identity {
    uint64_t node;      /* random; distinguishes two hosts of one name */
    uint64_t epoch;     /* of the latest life */
    uint64_t min_epoch; /* the oldest life whose records the latest one vouched for */
    uint64_t boot;      /* agent_options.boot of the last life that had the host's name; 0: unknown, or it left */
    uint64_t life;      /* the random number in the leases of that life */
    uint64_t asker;     /* the random number of the last life that asked whether somebody has the name; 0: none did */
};

struct agent_options {
    char host[LABEL_CAP];
    char region[LABEL_CAP], zone[LABEL_CAP];
    struct addresses addresses; /* the host's, for its lease and for registrations that name none; none: those wait */
    bool publishes_events;      /* said in its lease */
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
    size_t record_max;   /* bytes of a record as it is put; at most RECORD_WIRE_MAX */
};

struct agent_ops {
    void *arg;

    /* Changes this host's own catalog, at once. */
    void (*local_put)(void *arg, const struct instance_key *key, const struct record *record);
    void (*local_remove)(void *arg, const struct instance_key *key);
    /* the instance stays registered, and has no address now */
    void (*local_hide)(void *arg, const struct instance_key *key);

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

    /*
     * As store and forget (n 0), but when there is time for it: nobody waits for the result. A failure is reported by
     * registrar_note_failed.
     */
    void (*note)(void *arg, const char *name, const uint8_t *bytes, size_t n);

    uint64_t (*random)(void *arg);

    /*
     * Another live host uses our name. stand_down: it keeps the name, and we publish nothing as long as it lives; else
     * we keep it. Called once for each life of the other.
     */
    void (*name_conflict)(void *arg, const struct lease *lease, bool stand_down);

    /* The grace that an operator gave an override is over: instances that drained are in maintenance from now on. */
    void (*grace_over)(void *arg, const struct override *override);
};

/* What a message of SERVICES holds under a key of this host; borrowed during the call. */
struct agent_seen {
    uint64_t seq;                /* of the message, in the stream */
    const struct record *record; /* NULL: it was deleted, unless it is alien */
    const uint8_t *bytes;        /* the record as it is stored; NULL: not known */
    size_t n;
    bool alien; /* no host has written this: it is unreadable, or a foreign record */
};

/* Whether the answer to a put is a refusal: NATS was there, and did not store it. */
static inline bool agent_refused(int err)
{
    return err && err != -ENOTCONN && err != -ETIMEDOUT;
}

#endif
