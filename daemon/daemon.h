/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon as a whole: the one place where its parts meet, seen only by the files beside this one. Everything below
 * daemon/ knows only itself and what its own header asks for; the modules of registry/ join parts, each by a structure that
 * names what it reaches.
 *
 *   daemon.c         the loop: turns, seconds, signals
 *   parts.c          makes the parts in order, gives each what it reaches, stops them in reverse
 *   parts_serving.c  the parts that answer: DNS, the socket, HTTP, requests over NATS
 *   parts_systemd.c  sockets, watchdog and units of systemd
 *   reload.c         what a new configuration changes while it runs
 *   stall.c          a process that was stopped or suspended reads what came meanwhile before anything expires
 *   stop.c           stopping: handing over to the next start, or leaving the registry
 *
 * Main thread only.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <event2/event.h>
#include <stdint.h>

#include "daemon/agent/agent.h"
#include "daemon/api/access.h"
#include "daemon/api/api.h"
#include "daemon/config/config.h"
#include "daemon/base/background.h"
#include "daemon/base/loop.h"
#include "daemon/base/loop_meter.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/check/unit_follow.h"
#include "daemon/dns/dns.h"
#include "daemon/http/http.h"
#include "daemon/registry/activation.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/daemon_locks.h"
#include "daemon/registry/events/events.h"
#include "daemon/registry/forget.h"
#include "daemon/registry/host_address.h"
#include "daemon/registry/hostname_addresses.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/listen_problems.h"
#include "daemon/registry/outbound.h"
#include "daemon/registry/regions/region_events.h"
#include "daemon/registry/regions/region_failover.h"
#include "daemon/registry/regions/regions.h"
#include "daemon/registry/requests.h"
#include "daemon/registry/rpc/rpc.h"
#include "daemon/registry/services/services.h"
#include "daemon/registry/soa_serial.h"
#include "daemon/registry/status.h"
#include "daemon/registry/supervision.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/registry/services/unit_services.h"

/* The state of stall.c: whether the process has stood still, and what waits for what came meanwhile. */
struct stall {
    int64_t due_ns;          /* when the loop is to turn next, at the latest; 0: it has not begun */
    struct loop_timer timer; /* goes round the loop, behind all that came before */
    int64_t begun_ns;        /* going round since then; 0: not */
    unsigned rounds;
    metric_value stalls;
};

/* The state of reload.c. While its thread works, only that may touch what is below the line. */
struct reload {
    struct background background;
    uint64_t asked,
        number; /* reloads asked for so far; the last one of these that the present reload answers, or the last one did */
    bool running;
    /* --- */
    const char *path; /* NULL: none */
    bool good;
    struct config *config; /* what is to be taken; then, what was there before */
    const struct config *in_force;
    struct bus_access *access, **region_access; /* of each of its regions, NULL where it cannot be used */
    struct access_rule rule;
    struct reload_report report;
};

/* How the daemon stops. A stop that has begun may only become a later one of these. */
enum stopping { STOPPING_NOT, STOPPING_HANDS_OVER, STOPPING_LEAVES };

struct daemon {
    struct config *config;
    const char *config_path; /* NULL: defaults alone */
    struct event_base *base;
    struct loop_meter loop_meter;
    struct loop_timer turn_timer, soon_timer, second_timer, flush_timer, stop_timer, stop_look_timer;
    struct stall stall;
    struct reload reload;
    struct loop_watch bus_watch;
    struct event *signals[3];
    struct metrics *metrics;
    struct daemon_locks locks;
    struct activation activation;
    struct watchdog watchdog;
    struct supervision *supervision;
    struct state_dir *state_dir;

    struct tracing *tracing;
    struct host_address *host_address;
    struct catalog *catalog;
    struct events *events;
    struct rpc *rpc; /* NULL: not yet, or not any more */
    struct outbound *outbound;
    struct agent *agent; /* of outbound */
    struct inbound *inbound;
    struct regions *regions; /* the others */
    struct region_failover *failover;
    struct region_events region_events;
    struct status *status;

    struct bus *bus;
    struct dns *dns;
    struct requests *requests;
    struct forget *forget;
    struct api *api; /* of requests; NULL: not yet, or not any more */
    struct http *http;
    struct services *services;
    struct unit_services *unit_services;
    struct units *units;
    struct check_units check_units;
    struct hostname_addresses *hostnames;
    struct soa_serial soa_serial;
    struct catalog_file *catalog_file;

    int64_t stored_since_ns; /* when what the last life stored was true; 0: nothing is known of it */
    int dns_table_error;     /* of giving the DNS workers the present segment; 0: they have it */
    int64_t started_ns, flushed_ns;
    int64_t failover_ns; /* when it is to be decided again which region answers for something */
    enum stopping stopping;
};

/* Runs until SIGTERM or SIGINT. Takes the configuration. Returns the exit status. */
int daemon_run(struct config *config, const char *config_path);

/*
 * To be called after anything that came from outside has been handed to the parts: lets what is due happen, writes
 * the catalog's changes into the table, and arms the timer for the next time something is due. daemon: as in all callbacks of
 * the parts, a struct daemon.
 */
void daemon_turn(void *daemon);

/* The same when the loop comes round: as an event of its own, once for all who ask for it meanwhile. */
void daemon_turn_soon(void *daemon);

/* The timers and signals of the loop. */
int daemon_loop_start(struct daemon *d);
void daemon_loop_stop(struct daemon *d);

/*
 * stop.c. Begins to stop; nothing new when that, or more, has begun. By a signal: as registry.on_stop says, and at once when
 * it is the second. stop_check, at each turn while stopping: ends the loop when nothing is left to be said.
 */
int stop_init(struct daemon *d);
void stop_begin(struct daemon *d, enum stopping how);
void stop_by_signal(struct daemon *d);
void stop_check(void *daemon);

/*
 * stall.c: this process does not always run (it is stopped, suspended, or waits for its turn), and what came meanwhile
 * is read before anything is concluded from silence. stall_begin_turn: first in each turn. stall_end_turn: next_ns is
 * when the loop turns again.
 */
int stall_start(struct daemon *d);
void stall_stop(struct daemon *d);
void stall_begin_turn(struct daemon *d, int64_t now_ns);
void stall_end_turn(struct daemon *d, int64_t next_ns, int64_t now_ns);

/*
 * reload.c. Reads the configuration again and takes what can be taken; what is refused, and why, and what takes effect only
 * with the next start, stands in the log in the same words as in the report, which api_reloaded gets with the number that
 * is returned, or a later one. daemon_reload comes back at once.
 */
uint64_t daemon_reload(void *daemon);
int reload_start(struct daemon *d);
void reload_stop(struct daemon *d);

/* parts.c. What has started is stopped again when something else cannot. A negative errno, said in the log. */
int parts_start(struct daemon *d);
void parts_stop(struct daemon *d);

/* What could not be written into the table, or handed over, is tried again; each second. */
void daemon_table_again(struct daemon *d);

/* parts_serving.c */
int dns_part_start(struct daemon *d);
void dns_part_stop(struct daemon *d);
int requests_part_start(struct daemon *d);
void requests_part_stop(struct daemon *d);
int http_part_start(struct daemon *d);
void http_part_stop(struct daemon *d);
int rpc_part_start(struct daemon *d);
void rpc_part_stop(struct daemon *d);
void daemon_status(void *daemon, Discover__V1__Status *ret_status);
bool daemon_forget_published(void *daemon, const struct bus_put_result *result);
void daemon_rpc_request(void *daemon, const struct bus_request *request);

/* parts_systemd.c. daemon_set_unit_services: within a round of services (services.h). */
int activation_part_start(struct daemon *d);
int units_part_start(struct daemon *d);
void units_part_stop(struct daemon *d);
int unit_services_part_start(struct daemon *d);
void unit_services_part_stop(struct daemon *d);
void daemon_set_unit_services(void *daemon);
int supervision_part_start(struct daemon *d);
void supervision_part_stop(struct daemon *d);

/*
 * Makes the buckets and returns the exit status: the whole of `discoverd --init`. Takes half a minute at most, where NATS does
 * not answer, or is a cluster that has not found itself.
 */
int init_run(struct config *config);

/* Runs a private nats-server and a daemon beside it, in a fresh folder: the whole of `discoverd --dev`. */
int dev_run(void);

#endif
