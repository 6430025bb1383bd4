/* SPDX-License-Identifier: Apache-2.0 */
/* What discover_status tells of the daemon. Included by discover/discover.h. */
#ifndef DISCOVER_DAEMON_STATUS_H
#define DISCOVER_DAEMON_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include <discover/types.h>

struct discover_counter {
    const char *name;
    uint64_t value;
};

/* A key of the registry whose value the daemon refused. */
struct discover_refusal {
    const char *bucket, *key, *reason; /* printable ASCII; the key is cut at 255 bytes */
    uint64_t count;                    /* values refused under it */
    int64_t age_ms;                    /* since the last of them was put */
};

/* A host that writes much to the registry. */
struct discover_top_writer {
    const char *host; /* "": under keys that name no host */
    uint32_t changes; /* in about the last ten seconds */
    int floods;       /* more than limits.host_changes */
};

/* A state set by discover_override. */
struct discover_override_info {
    const char *service, *instance; /* "": all */
    enum discover_state state;
    const char *reason; /* in the operator's words, or "" */
    uint32_t uid;       /* who set it */
    int64_t age_ms;     /* how long ago; -1: not known */
};

/* A service for which another region answers, or an operator said which one does (discover_failover). */
struct discover_failover_info {
    const char *service;
    const char *at;     /* the region that answers; "": the own one */
    int64_t at_ms;      /* for so long; -1: always, as far as is known */
    int forced;         /* an operator said so: */
    const char *region; /* this one; "": the own one */
    uint32_t uid;       /* who, */
    int64_t age_ms;     /* and how long ago; -1: not known */
};

/* One of the two buckets behind the registry, as this host sees it. */
struct discover_bucket {
    const char *name;
    const char *read_error;    /* why it cannot be read, or is not used; "": it can */
    const char *refusal;       /* why it does not store what this host puts; "": it does */
    uint32_t refused;          /* keys of this host that it refuses ... */
    int64_t refused_ms;        /* ... for so long */
    uint64_t bytes, max_bytes; /* as last heard; max_bytes 0: no limit */
    int full;                  /* no room for new instances */
    const char *const *lacks;  /* settings that are not as they should be */
    size_t n_lacks;
};

/* Another region, as this host reads it. */
struct discover_region {
    const char *name;
    const char
        *state; /* "never" (nothing is known of it), "live", "stale", "catching up" (as stale: it is being read) */
    int64_t stale_ms;           /* how old what is known of it may be; 0: live; -1: nothing is known */
    const char *reason;         /* why it is not live; "": it is */
    const char *server, *error; /* of the connection by which it is read; the last error, "": none */
    uint32_t hosts, services, instances, usable;
    uint64_t questions; /* how often it was asked whether its silence is meant */
    const char *mirror; /* how its mirrors here were when they were read last: "valid", "behind", "of another life",
                           "missing", "unreadable"; "": there are none, or they were not read yet */
};

/* Grows only at its end. Made by the library; lives during the call. */
struct discover_status {
    const char *version, *host, *sync, *bus_server, *bus_error;
    uint64_t epoch;
    int64_t stale_ms, uptime_ms;
    int bus_connected;
    uint32_t hosts, services, instances, registrations, unacknowledged;
    const struct discover_counter *counters;
    size_t n_counters;
    const struct discover_refusal *refused; /* the newest few, newest first */
    size_t n_refused;
    const struct discover_top_writer *top_writers; /* the busiest few, if they write more than once a second */
    size_t n_top_writers;
    const struct discover_override_info *overrides; /* the first 64 */
    size_t n_overrides;
    const char *distrust; /* why the bus is not trusted, so that no lease runs out; "": it is */
    uint32_t held;        /* hosts kept although their leases have run out ... */
    int64_t held_ms;      /* ... for so long from now on, at most ... */
    const char *held_reason;
    const char *address;       /* of the host, and why that one; or why there is none */
    uint32_t waiting;          /* registrations that wait for the host to have an address */
    const char *store_error;   /* why the state directory cannot be written; "": it can */
    const char *lease_problem; /* why other hosts may not take this host's lease, so that nobody hears of what is
                                  registered here; "": they do */
    int name_taken;            /* not 0: because another live host has this one's name */
    const struct discover_bucket *buckets;
    size_t n_buckets;
    const char *write_refusal; /* why what this host puts is not stored; "": it is */
    uint32_t unwritten; /* entries of the shared table that could not be written: answers miss what has changed */
    const char *unwritten_reason;
    const char *const *listen_problems; /* addresses to be served that are not, and why */
    size_t n_listen_problems;
    const char *region;                    /* of this host */
    const struct discover_region *regions; /* the others that it reads, nearest first */
    size_t n_regions;
    const struct discover_failover_info *failovers; /* the first 64 */
    size_t n_failovers;
    /* of each of overrides: it drains for so long before it is in maintenance; 0: it is; -1: it was given no grace */
    const int64_t *override_grace_ms;
};

#endif
