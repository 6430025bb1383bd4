/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon as a whole: the one place where its parts meet. Everything below daemon/ knows only itself and what its
 * own header asks for; the files beside this one put them together:
 *
 *   parts.c    starts the parts in order, stops them in reverse
 *   daemon.c   the loop: turns, seconds, signals
 *   stop.c     how a life ends
 *   pause.c    what is owed to others when it did not run for a while
 *   registry/  what joins them:
 *     inbound*.c      bus -> followers -> catalog, agent, leases (inbound.h)
 *     outbound.c      agent -> local catalog, bus, disk
 *     services.c      configuration -> agent, checks
 *     requests.c      socket -> agent
 *     hostnames.c     the catalog's host names -> resolver -> catalog
 *     buckets.c       whether the buckets can be read and written, and how they are set
 *     write_report.c  who else writes to the buckets, and what of it is refused
 *     catalog_file.c  the catalog on disk
 *     remembered.c    what the last life left there
 *     soa_serial.c    the SOA serial over restarts
 *     listen_problems.c  addresses that cannot be served yet
 *     status.c        what is told of it all
 *
 * Main thread only.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <event2/event.h>
#include <stdint.h>

#define DAEMON_VERSION DISCOVER_VERSION /* set by the build */

#include "daemon/agent/agent.h"
#include "daemon/agent/state_dir.h"
#include "daemon/api/api.h"
#include "daemon/config/config.h"
#include "daemon/base/loop.h"
#include "daemon/base/loop_meter.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/check/checks.h"
#include "daemon/check/pid.h"
#include "daemon/dns/dns.h"
#include "daemon/http/http.h"
#include "daemon/registry/buckets.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/write_report.h"
#include "daemon/registry/host_address.h"
#include "daemon/resolver/resolver.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/health.h"
#include "daemon/sync/leases.h"
#include "daemon/sync/resync_budget.h"

/* Counters of what comes in over the bus and is refused. */
struct inbound_counters {
    metric_value keys_refused, values_refused, leases_refused, limits_refused, digest_mismatches, resyncs_deferred;
    metric_value hosts_limited, services_limited, instances_limited, instances_per_service_limited,
        instances_per_host_limited, hostnames_per_host_limited;
};

/* One of the two buckets, as the callbacks of its follower get it. */
struct inbound {
    struct daemon *daemon;
    enum bus_bucket bucket;
    struct follow *follow;
    bool synced;
    bool snapshot;     /* one is being read */
    bool complete;     /* the last one that ended had everything that was known */
    int resync_failed; /* a resync could not even be asked for: told to the follower at the next turn */
};

/* What pause.c keeps. */
struct pause {
    int64_t due_ns;          /* when the loop is to turn next, at the latest; 0: it has not begun */
    struct loop_timer timer; /* goes round the loop, behind all that came before */
    int64_t begun_ns;        /* going round since then; 0: not */
    unsigned rounds;
    metric_value stalls;
};

/* The later outdoes the earlier. */
enum stopping { STOPPING_NOT, STOPPING_HANDS_OVER, STOPPING_LEAVES };

struct daemon {
    struct config *config;
    const char *config_path; /* NULL: defaults alone */
    struct event_base *base;
    struct loop_meter loop_meter;
    struct loop_timer turn_timer, second_timer, flush_timer, stop_timer;
    struct pause pause;
    struct loop_watch bus_watch;
    struct event *signals[3];
    struct metrics *metrics;
    int state_lock, socket_lock; /* descriptors, or -1 */
    struct state_dir *state_dir;

    struct host_address *host_address;
    struct catalog *catalog;
    struct agent *agent;
    struct liveness *liveness;
    struct health health;
    struct inbound inbound[BUS_BUCKETS];
    struct inbound_counters inbound_counters;
    struct write_report *write_report;
    struct resync_budget resync_budget; /* for digests that differ */
    struct buckets *buckets;

    struct bus *bus;
    struct dns *dns;
    struct api *api;
    struct http *http;
    struct checks *checks;
    struct pids *pids;
    struct resolver *resolver;
    struct catalog_file *catalog_file;

    size_t host_news;         /* in this second */
    bool started_cut_off;     /* NATS was away when this life began: what is remembered could not be renewed */
    bool synced_once;         /* a whole snapshot of both buckets was taken in this life */
    bool trusted;             /* the bus is, in what it says by its silence */
    size_t guard_held;        /* hosts that the mass-loss guard holds ... */
    int64_t guard_until_ns;   /* ... until then, at most */
    const char *guard_reason; /* static */
    enum table_sync sync;     /* as the table says */
    int64_t stale_since_ns;
    uint32_t serial_reserved; /* as stored: the next life begins there */
    bool serial_failed;       /* said in the log once */
    bool services_waiting;    /* some of the configuration are not registered ... */
    bool services_retry;      /* ... and something has gone since, perhaps what was in the way */
    bool dns_inherited;       /* DNS is served on sockets of systemd's, and dns.listen is not used */
    int dns_table_error;      /* of giving the DNS workers the present segment; 0: they have it */
    size_t unwritten;         /* said in the log */
    int64_t started_ns, flushed_ns;
    enum stopping stopping;
    char store_error[4200]; /* why the state directory cannot be written; "": it can */
    char bus_server[256], bus_error[512];
    struct lease own_lease; /* as last sent */
    int64_t server_wall_ns; /* what the server's clock said at least (since 1970), at server_heard_ns; 0: nothing */
    int64_t server_heard_ns;
};

/* Runs until SIGTERM or SIGINT. Takes the configuration. Returns the exit status. */
int daemon_run(struct config *config, const char *config_path);

/*
 * To be called after anything that came from outside has been handed to the parts: lets what is due happen, writes
 * the catalog's changes into the table, and arms the timer for the next time something is due.
 */
void daemon_turn(struct daemon *d);

/* The timers and signals of the loop. */
int daemon_loop_start(struct daemon *d);
void daemon_loop_stop(struct daemon *d);

/*
 * stop.c. Begins to stop; nothing new when that, or more, has begun. By a signal: as registry.on_stop says, and at once when
 * it is the second. stop_check, at each turn while stopping: ends the loop when all is said.
 */
int stop_init(struct daemon *d);
void stop_begin(struct daemon *d, enum stopping how);
void stop_by_signal(struct daemon *d);
void stop_check(struct daemon *d);

/*
 * pause.c: this process does not always run (it is stopped, suspended, or waits for its turn), and what came meanwhile
 * is read before anything is concluded from silence. pause_begin_turn: first in each turn. pause_end_turn: next_ns is
 * when the loop turns again.
 */
int pause_start(struct daemon *d);
void pause_stop(struct daemon *d);
void pause_begin_turn(struct daemon *d, int64_t now_ns);
void pause_end_turn(struct daemon *d, int64_t next_ns, int64_t now_ns);

/*
 * reload.c. Reads the configuration again and takes what can be taken; what is refused, and why, and what takes effect only
 * with the next start, stands in the log in the same words as in the report. reload_refuse: report may be NULL.
 */
void daemon_reload(struct daemon *d, struct reload_report *report);
void reload_refuse(struct reload_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reload_report_fini(struct reload_report *report);

/* parts.c. What has started is stopped again when something else cannot. A negative errno, said in the log. */
int parts_start(struct daemon *d);
void parts_stop(struct daemon *d);

/*
 * Whether everybody reads a table that says all that the catalog does. And: tries again what could not be written, or handed
 * over; each second.
 */
bool daemon_table_whole(const struct daemon *d);
void daemon_table_again(struct daemon *d);

/* What the configuration says of the bus; the strings are its own. */
void daemon_bus_options(const struct config *config, bool create, struct bus_options *ret_options);

/* A bus as the configuration describes it; says in the log what is wrong. A negative errno. */
int daemon_bus_new(const struct config *config, bool create, const struct bus_events *events, void *arg,
                   struct bus **ret_bus);

/* registry/inbound.c, inbound_leases.c */
int inbound_start(struct daemon *d);
void inbound_stop(struct daemon *d);
extern const struct bus_events inbound_bus_events;
/* Does what is due. Returns when to call again. */
int64_t inbound_tick(struct daemon *d, int64_t now_ns);
/* Our lease was given to the bus: the canary is on its way. */
void inbound_lease_sent(struct daemon *d, const struct lease *lease, int64_t now_ns);
/* The time on the server's clock, at least, in ms since 1970; 0: not known. */
int64_t inbound_server_ms(const struct daemon *d, int64_t now_ns);
/* Whether the silence of others tells anything. */
bool inbound_trustworthy(const struct daemon *d);

/* registry/outbound.c, services.c, requests.c */
int outbound_start(struct daemon *d);
int requests_start(struct daemon *d);
int services_start(struct daemon *d);
/* arg: the daemon. */
void outbound_address_changed(void *arg);
/* Takes the services of the configuration. report: of the reload that it is a part of; NULL: none. */
void services_set(struct daemon *d, struct reload_report *report);
/* Once a second: tries again what could not be registered, when that may have changed. */
void services_second(struct daemon *d);

/* registry/host_news.c. host_news_tell: before the catalog hears of it. */
void host_news_tell(struct daemon *d, const char *host, enum host_status status);
void host_news_second(struct daemon *d);

/* registry/hostnames.c */
int hostnames_start(struct daemon *d);
void hostnames_stop(struct daemon *d);
/* With the reason: -EINVAL, a host name that would lead back to ourselves; -ENOSPC, one too many. */
int hostnames_check(const struct daemon *d, const struct record *record, const char **ret_why);

/*
 * registry/soa_serial.c: the SOA serial never goes back (RFC 1982), over a restart and a crash neither: each life begins behind what
 * the last one had set aside for itself on disk. soa_serial_keep: every second.
 */
void soa_serial_start(struct daemon *d);
void soa_serial_keep(struct daemon *d);

/*
 * registry/status.c. Whether what the catalog has is better than what the last life left on disk, and since when it is not
 * known to be true any more.
 */
bool catalog_is_worth_storing(const struct daemon *d, int64_t now_ns, int64_t *ret_true_ns);
/* registry/listen_problems.c. At the start; and each time status is asked for. */
void listen_problems_log(const struct daemon *d);
void listen_problems_status(const struct daemon *d, Discover__V1__Status *ret_status);
void status_fill(void *arg, Discover__V1__Status *ret_status);
/* Tells the table, and the log, how far the catalog can be trusted. */
void status_update_sync(struct daemon *d, int64_t now_ns);

/* Makes the buckets and returns the exit status: the whole of `discoverd --init`. */
int init_run(struct config *config);

/* Runs a private nats-server and a daemon beside it, in a fresh folder: the whole of `discoverd --dev`. */
int dev_run(void);

#endif
