/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's status, as discover_status gives it. Included by discover/discover.h. */
#ifndef DISCOVER_DAEMON_STATUS_H
#define DISCOVER_DAEMON_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include <discover/types.h>

/* One of the daemon's metrics. */
struct discover_counter {
    const char *name;
    uint64_t value;
};

/* A key of the registry whose value the daemon refused. */
struct discover_refusal {
    const char *bucket, *key, *reason; /* printable ASCII; the key is cut at 255 bytes */
    uint64_t count;                    /* values refused under this key */
    int64_t age_ms;                    /* time since the last refused value was put */
};

/* A host that writes much to the registry. */
struct discover_top_writer {
    const char *host; /* "": whoever writes under keys that name no host */
    uint32_t changes; /* number of writes in about the last ten seconds */
    int floods;       /* not 0: it writes more than limits.host_changes */
};

/* A state set by discover_override. */
struct discover_override_info {
    const char *service, *instance; /* "": all services, all instances */
    enum discover_state state;
    const char *reason; /* in the operator's words; "": none was given */
    uint32_t uid;       /* user who set it */
    int64_t age_ms;     /* time since it was set; -1: not known */
};

/*
 * A service for which another region answers, or for which an operator set the region that answers (discover_failover).
 */
struct discover_failover_info {
    const char *service;
    const char *at;     /* the region that answers; "": this host's own */
    int64_t at_ms;      /* how long it has answered; -1: always, as far as is known */
    int forced;         /* not 0: an operator set the region; the members below say which, who and when */
    const char *region; /* the region that was set; "": this host's own */
    uint32_t uid;       /* user who set it */
    int64_t age_ms;     /* time since it was set; -1: not known */
};

/* One of the two buckets behind the registry, as this host sees it. */
struct discover_bucket {
    const char *name;
    const char *read_error;    /* why it cannot be read, or is not used; "": it can */
    const char *refusal;       /* why it does not store what this host puts; "": it does */
    uint32_t refused;          /* number of this host's keys that it refuses to store */
    int64_t refused_ms;        /* how long it has refused them */
    uint64_t bytes, max_bytes; /* size and limit, as the server last reported them; max_bytes 0: no limit */
    int full;                  /* not 0: it has no room for new instances */
    const char *const *lacks;  /* settings of the bucket that are not as they should be */
    size_t n_lacks;
};

/* Another region, as this host reads it. */
struct discover_region {
    const char *name;
    /* "never" (nothing is known of it), "live", "stale", or "catching up" (stale, and being read) */
    const char *state;
    int64_t stale_ms;           /* how old its data may be; 0: live; -1: there is none */
    const char *reason;         /* why it is not live; "": it is */
    const char *server, *error; /* server that it is read from, and the connection's last error; "": none */
    uint32_t hosts, services, instances, usable;
    uint64_t questions; /* how often it was asked for a sign of life because nothing came from it */
    const char *mirror; /* state of its mirrors in this region when they were last read: "valid", "behind",
                           "of another life", "missing", "unreadable"; "": there are none, or they were not read yet */
};

/* The daemon's status. Made by the library, valid only during the callback; later versions add members at the end. */
struct discover_status {
    const char *version, *host, *sync, *bus_server, *bus_error;
    uint64_t epoch;              /* number that orders the lives of this host's daemon */
    int64_t stale_ms, uptime_ms; /* how old the catalog may be, 0: live; time since the daemon started */
    int bus_connected;           /* not 0: connected to NATS */
    /*
     * In the catalog: hosts, services, instances. Of this host: registrations, and those that NATS has not confirmed
     * yet.
     */
    uint32_t hosts, services, instances, registrations, unacknowledged;
    const struct discover_counter *counters;
    size_t n_counters;
    const struct discover_refusal *refused; /* the newest few, newest first */
    size_t n_refused;
    const struct discover_top_writer *top_writers; /* the busiest few, if they write more than once a second */
    size_t n_top_writers;
    const struct discover_override_info *overrides; /* at most 64 */
    size_t n_overrides;
    const char *distrust;      /* why NATS is not trusted at present, so that no lease runs out; "": it is trusted */
    uint32_t held;             /* number of hosts that are kept although their leases have run out */
    int64_t held_ms;           /* how much longer they are kept at most */
    const char *held_reason;   /* why they are kept */
    const char *address;       /* the host's address, and why that one; or why there is none */
    uint32_t waiting;          /* registrations that wait for the host to have an address */
    const char *store_error;   /* why the state directory cannot be written; "": it can */
    const char *lease_problem; /* why other hosts may ignore this host's lease, and with it all that is registered
                                  here; "": they do not */
    int name_taken;            /* not 0: lease_problem is that another live host has this host's name */
    const struct discover_bucket *buckets;
    size_t n_buckets;
    const char *write_refusal; /* why NATS does not store what this host puts; "": it does */
    uint32_t unwritten;        /* entries of the shared table that could not be written: look-ups answer without them */
    const char *unwritten_reason;       /* why they could not be written */
    const char *const *listen_problems; /* configured addresses on which the daemon does not listen, and why */
    size_t n_listen_problems;
    const char *region;                    /* this host's own region */
    const struct discover_region *regions; /* the other regions that the daemon reads, nearest first */
    size_t n_regions;
    const struct discover_failover_info *failovers; /* at most 64 */
    size_t n_failovers;
    /*
     * For each entry of overrides, how much longer it drains before maintenance begins; 0: it has begun; -1: no grace
     * was set.
     */
    const int64_t *override_grace_ms;
};

#endif
