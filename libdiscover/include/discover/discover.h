/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdiscover: look services up and register them, by way of the discoverd of this host.
 *
 *     struct discover *d;
 *     discover_new(&d);
 *     discover_start(d);
 *     struct discover_endpoint ep[16];
 *     size_t n;
 *     if (discover_resolve(d, "shop/payment", ep, 16, &n) >= 0) ...
 *     discover_free(d);
 *
 * Look-ups read memory shared with the daemon: no system call, no lock, no wait. They keep answering from
 * the last state when the daemon dies; the result says that it is stale. Where there is no daemon, they go over
 * DNS (see discover_set_source).
 *
 * Threads: discover_resolve and the other functions marked [any thread] may be called from any number of
 * threads at once, also while another thread is in discover_dispatch. All others belong to one thread at a
 * time. The library starts no thread, holds no global state, writes nothing to stdout or stderr, and never
 * aborts.
 *
 * Callbacks (a watch's, a completion's, those of lists and of status and reload) may call anything of this library but
 * discover_free of the handle they come from: dispatch, blocking calls, the end of this or another watch. They are
 * called by discover_dispatch and discover_wait, by lists, status and reload during the call, by discover_cancel and
 * discover_free; by nothing else. None is called again before it has returned; its arguments are valid until then.
 *
 * fork: in a child that goes on without exec, look-ups answer from the parent's last table, and everything that
 * talks to the daemon returns -ECHILD: the connection is the parent's. A child calls discover_free (its parent's
 * registrations live on) and makes a handle of its own. What is registered goes when the process dies that called
 * discover_start, whoever has copies of its descriptors: a program that goes into the background starts after that.
 * A child is known as such, also in a PID namespace of its own; clocks of other time namespaces are reckoned with.
 *
 * Descriptors are close-on-exec. Whoever closes those of others (closefrom, a wrong close), or gives their numbers to
 * files of his own: the library uses and closes nothing that is not its own any more, and makes new ones in the next
 * call that needs them. discover_dispatch reports that once by -EBADF: discover_fd is to be put into the loop again. A
 * loop does not notice by itself, so such a program calls dispatch after closefrom. What was registered is registered
 * again. Memory: the table is shared with the daemon, as large as the catalog needs and no part of core dumps.
 *
 * Errors: functions return 0 (or a positive result code) or a negative number: a DISCOVER_E... below, or a
 * negative errno. Outputs are named ret_... and stay untouched on failure unless it says otherwise. NULL for a pointer
 * that is not said to be optional is -EINVAL, or "" from functions that return a text.
 */
#ifndef DISCOVER_DISCOVER_H
#define DISCOVER_DISCOVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <discover/async.h>
#include <discover/instance_checks.h>
#include <discover/lists.h>
#include <discover/daemon_status.h>
#include <discover/export.h>
#include <discover/sizes.h>
#include <discover/traces.h>
#include <discover/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results. Errors of this library have numbers of their own; any other negative result is a negative errno. */
enum discover_result {
    /* Results of look-ups that succeeded: how far the answer can be trusted. */
    DISCOVER_FRESH = 0,    /* the daemon is there and follows the registry */
    DISCOVER_STALE = 1,    /* the last known state: daemon or registry out of reach, see discover_age_ms */
    DISCOVER_DEGRADED = 2, /* hosts vanished in a mass and are kept for a limited time, or changes cannot be served */

    /* Errors. */
    DISCOVER_E_NONE = -4001,     /* the service is known, and no instance of it is usable */
    DISCOVER_E_UNKNOWN = -4002,  /* there is no such service */
    DISCOVER_E_UNSYNCED = -4003, /* cannot know: no daemon yet, or it has not synchronised yet. discover_last_error
                                    says why there is none, as far as that is known */
    DISCOVER_E_BUSY = -4004,     /* the table changed under every try; try again */
    DISCOVER_E_NAME = -4005,     /* not a valid name */
    DISCOVER_E_VERSION = -4006,  /* the daemon speaks no version that this library speaks */
    DISCOVER_E_DENIED = -4007,   /* the daemon refused; discover_last_error says why */
    DISCOVER_E_LIMIT = -4008,    /* a limit of the daemon is reached */
    DISCOVER_E_CONFLICT = -4009, /* someone else on this host owns that registration */
    DISCOVER_E_PROTOCOL = -4010, /* the daemon sent something that does not parse */
    DISCOVER_E_BUDGET = -4011,   /* too many retries: what is called has enough to do */
};

struct discover;

/* The text for a result or error of this library. Static; never NULL. [any thread] */
DISCOVER_API const char *discover_strerror(int code);

/* Version of the library, "1.2.3". Static. [any thread] */
DISCOVER_API const char *discover_version(void);

/* Makes a handle with the defaults. -ENOMEM. Free with discover_free. */
DISCOVER_API DISCOVER_CHECK int discover_new(struct discover **ret_d);

/* Ends the connection (and with it the registrations bound to it) and frees the handle. NULL is fine. */
DISCOVER_API void discover_free(struct discover *d);

/* The daemon's socket; default: $DISCOVERD_SOCKET, else /run/discoverd/discoverd.sock. Before start. */
DISCOVER_API DISCOVER_CHECK int discover_set_socket(struct discover *d, const char *path);

/* The path of the daemon's socket that this handle uses. Valid until it is set again. */
DISCOVER_API const char *discover_socket(const struct discover *d);

/*
 * Where look-ups take their answers from: the daemon; or, where there is none (a container, a laptop), the DNS of some
 * discoverd. Then resolve, pick, watch and each_instance work on SRV records, which dispatch asks for when a service is
 * first looked up, and again whenever their TTL has run out, for as long as the service is looked up, watched or picked
 * from. So the first look-up of a service returns DISCOVER_E_UNSYNCED: use discover_wait.
 *
 * DNS gives addresses, port, priority and weight (256..65535). What it does not give has a default: passing, TCP,
 * elsewhere, no names. A server that does not answer makes what it said stale; a service that was never answered,
 * or whose absence can no longer be vouched for, is DISCOVER_E_UNSYNCED, and so is one beyond 256 at a time.
 */
enum discover_source {
    DISCOVER_SOURCE_AUTO = 0,   /* the daemon; DNS until it is there, if it is not at start. The default */
    DISCOVER_SOURCE_DAEMON = 1, /* nothing but the daemon */
    DISCOVER_SOURCE_DNS = 2,    /* nothing but DNS; a daemon is connected to for registrations alone */
};

/* Before start; -EINVAL. */
DISCOVER_API DISCOVER_CHECK int discover_set_source(struct discover *d, enum discover_source source);

/*
 * The DNS servers to ask, as "10.0.0.1:8053,[::1]:53", the port may be left out; "": those of resolv.conf. And the
 * zone's name; NULL or "": discover.internal. Defaults: $DISCOVERD_DNS and $DISCOVERD_ZONE. Before start; -EINVAL, and
 * discover_last_error says what is wrong. If these variables are malformed, discover_last_error says so from
 * discover_new on, and look-ups over DNS fail: start with DISCOVER_SOURCE_DNS returns -EINVAL; without a daemon
 * look-ups return DISCOVER_E_UNSYNCED.
 */
DISCOVER_API DISCOVER_CHECK int discover_set_dns(struct discover *d, const char *servers, const char *zone);

/* The name of this program in the daemon's logs, at most 63 bytes; default: the program's own. Before start. */
DISCOVER_API DISCOVER_CHECK int discover_set_name(struct discover *d, const char *name);

/*
 * How long calls that talk to the daemon (start, register, ...) wait for it; default 2000 ms, 0: not at all. While the
 * daemon says nothing, the time counts from the first call that it left unanswered: ten calls to a daemon that hangs
 * wait as long as one, and 10 ms each.
 */
DISCOVER_API DISCOVER_CHECK int discover_set_timeout(struct discover *d, int timeout_ms);

/*
 * Connects. A daemon that is not there, does not answer in time, has as many connections as it may, or speaks no
 * version that this library speaks, is no error: discover_last_error says what it is, look-ups return
 * DISCOVER_E_UNSYNCED (or go over DNS, see discover_set_source) until discover_dispatch has connected, which it tries
 * again and again. On -EACCES, -EMFILE, -ENOMEM and the like the handle is as it was before. -EALREADY: was started.
 */
DISCOVER_API DISCOVER_CHECK int discover_start(struct discover *d);

/*
 * For the caller's event loop: a descriptor that becomes readable when discover_dispatch has work, valid from
 * start to free (-EBADF before). Dispatch never blocks; it reconnects, registers again, and takes over a new table.
 * A program that only calls resolve and never dispatches keeps its last table, which is marked stale once abandoned.
 *
 * Dispatch reports each failure once by a negative result (discover_last_error says what failed), and the handle goes
 * on trying by itself. DISCOVER_E_PROTOCOL, _VERSION, _LIMIT, -EMFILE and the like: the connection was dropped or
 * cannot be made, and is tried again; a try that fails for the same reason as the one before is not reported. _DENIED,
 * _LIMIT, _CONFLICT, -EINVAL: the daemon refused to renew a registration, which is tried again.
 */
DISCOVER_API int discover_fd(const struct discover *d);
DISCOVER_API DISCOVER_CHECK int discover_dispatch(struct discover *d);

/* 1 when connected to the daemon, else 0; -EINVAL. [any thread] */
DISCOVER_API int discover_connected(const struct discover *d);

/*
 * Copies the usable instances of "domain/service" (or those of one region: "domain/service@region"), at most cap, into
 * ret_endpoints, ordered by priority, then tier. *ret_n is how many there are, which may be more than cap. Returns
 * DISCOVER_FRESH, _STALE or _DEGRADED, or DISCOVER_E_NONE, _UNKNOWN, _UNSYNCED, _BUSY, _NAME. [any thread]
 */
DISCOVER_API DISCOVER_CHECK int discover_resolve(struct discover *d, const char *service,
                                                 struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n);

/*
 * Waits until it is known who serves a service, at most timeout_ms; dispatches meanwhile. Returns as resolve does:
 * DISCOVER_E_UNSYNCED when it is not known by then. Also what discover_dispatch returned, if that was negative.
 */
DISCOVER_API DISCOVER_CHECK int discover_wait(struct discover *d, const char *service, int timeout_ms);

/*
 * Waits until the service has a usable instance, at most timeout_ms, and dispatches meanwhile. Returns as resolve does;
 * DISCOVER_E_NONE, _UNKNOWN or _UNSYNCED: there was none when the time was over.
 */
DISCOVER_API DISCOVER_CHECK int discover_wait_usable(struct discover *d, const char *service, int timeout_ms);

/*
 * A look-up with conditions: make a query, set the conditions, run it as often as need be. Like resolve it reads shared
 * memory, and it returns as resolve does; DISCOVER_E_NONE also when no instance meets the conditions.
 *
 *     discover_query_new("shop/payment", &q);
 *     discover_query_add_tag(q, "canary");
 *     for (n = 0; discover_query_run(d, q, n ? &ep[15] : NULL, ep, 16, &n) >= 0; ) {
 *         ... the first min(n, 16) of ep ...
 *         if (n <= 16)
 *             break;
 *     }
 *
 * Tags: an instance must have all that were added; at most 16 (-ENOSPC). A tag that is not a DNS label cannot be asked
 * for over DNS, where the query then returns DISCOVER_E_UNSYNCED. Place: its zone or its region must have this name.
 * States: its state must be one of those that were added; default: passing and warning. Passing and warning instances
 * are returned only if they are usable, others always.
 */
struct discover_query;

/* DISCOVER_E_NAME, -ENOMEM. One thread changes it, while nobody runs it. */
DISCOVER_API DISCOVER_CHECK int discover_query_new(const char *service, struct discover_query **ret_q);
DISCOVER_API void discover_query_free(struct discover_query *q);
DISCOVER_API DISCOVER_CHECK int discover_query_add_tag(struct discover_query *q, const char *tag);
DISCOVER_API DISCOVER_CHECK int discover_query_set_place(struct discover_query *q, const char *place);
DISCOVER_API DISCOVER_CHECK int discover_query_set_protocol(struct discover_query *q, enum discover_protocol protocol);
DISCOVER_API DISCOVER_CHECK int discover_query_add_state(struct discover_query *q, enum discover_state state);

/*
 * after: NULL, or the last endpoint that was copied, to go on behind it where there are more than cap: an instance that
 * stays as it is comes just once, whatever changes between two calls. *ret_n counts from there on; 0 with a result >=
 * 0: there are no more. Over DNS the conditions are asked for, and all instances are passing. [any thread]
 */
DISCOVER_API DISCOVER_CHECK int discover_query_run(struct discover *d, const struct discover_query *q,
                                                   const struct discover_endpoint *after,
                                                   struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n);

/* How old answers may be, in milliseconds: 0 when fresh, -1 when nothing was ever known. [any thread] */
DISCOVER_API int64_t discover_age_ms(struct discover *d);

/*
 * Writes "10.0.1.22:8080" or "[2001:db8::1]:8080" and a NUL into ret_text: IPv4 when there are both. -ENOSPC;
 * -EADDRNOTAVAIL: it has a host name (see discover_each_instance) that could not be resolved yet. [any thread]
 */
enum discover_limit { DISCOVER_ADDRESS_MAX = 64 };
DISCOVER_API DISCOVER_CHECK int discover_endpoint_text(const struct discover_endpoint *endpoint, char *ret_text,
                                                       size_t cap);

/*
 * The address for connect(2): family AF_INET or AF_INET6; AF_UNSPEC: IPv4 when there are both. *ret_length is its
 * length. -EAFNOSUPPORT: it has none of that family; -EADDRNOTAVAIL: none at all, as above; -EINVAL. [any thread]
 */
DISCOVER_API DISCOVER_CHECK int discover_endpoint_sockaddr(const struct discover_endpoint *endpoint, int family,
                                                           struct sockaddr_storage *ret_address, socklen_t *ret_length);

/*
 * Balancing: a picker chooses an instance for each call of a service, and learns from how the calls went.
 *
 *     while (discover_pick(p, &ep) >= 0) {
 *         ... call it, measure ...
 *         discover_report(p, ep.id, latency_us, DISCOVER_OK);
 *     }
 *
 * It draws two instances and picks the one that has less to do: calls in flight times latency, as far as latencies
 * differ by more than half. The weight of an instance is its share of the calls, as long as latencies are alike. Near
 * ones come first (host, zone, region, the rest; the lowest priority before all that): a group of the same priority and
 * nearness takes 1.4 times the healthy part of its weight, those that are down included in the whole, and what it
 * cannot take goes further away.
 *
 * Instances that fail (5 failures or 3 vain connects in a row) get no calls: a tenth of all, or one, is left out for a
 * while; any further ones, too, but these are tried again after a second, then two, and so on. A try is one call. When
 * all of a group fail in a row, the next group takes over after as few failures. One that joins, or is back, begins
 * with a tenth of its share (discover_picker_set_slow_start). If all fail, all are called.
 *
 * Each pick is followed by one report, in the same thread if possible: it ends the call in flight.
 *
 * Pick and report: [any thread], without a lock. A thread counts its own calls in flight (and those of others that
 * share its place, at most eight places in all), and knows latencies and failures from all. New, free and settings: the
 * handle's thread, and before discover_free. A forked child makes pickers of its own.
 */
struct discover_picker;

enum discover_outcome {
    DISCOVER_OK = 0,
    DISCOVER_FAILED = 1,      /* it answered, with an error of its own, or not in time */
    DISCOVER_UNREACHABLE = 2, /* there was no connection */
    DISCOVER_CANCELLED = 3,   /* says nothing about the instance */
};

/* DISCOVER_E_NAME, -ENOMEM. The service need not be there yet. */
DISCOVER_API DISCOVER_CHECK int discover_picker_new(struct discover *d, const char *service,
                                                    struct discover_picker **ret_p);
DISCOVER_API void discover_picker_free(struct discover_picker *p);

/*
 * Picks from the instances that meet the query's conditions, which are copied. Its states: passing, warning or both.
 * -EINVAL, -ENOMEM.
 */
DISCOVER_API DISCOVER_CHECK int discover_picker_new_query(struct discover *d, const struct discover_query *q,
                                                          struct discover_picker **ret_p);

/*
 * How long an instance that joins takes to reach its full share: from a tenth of it in a straight line. Default: 15000
 * ms; 0: it gets it at once. -EINVAL.
 */
DISCOVER_API DISCOVER_CHECK int discover_picker_set_slow_start(struct discover_picker *p, uint32_t window_ms);

/*
 * For large services: keeps to `size` of the instances of each priority and nearness, always the same as long as they
 * are there; 0: all. client: a number of its own for each client, such as the ordinal of its replica: clients with
 * consecutive numbers are spread evenly over the instances. -EINVAL.
 */
DISCOVER_API DISCOVER_CHECK int discover_picker_set_subset(struct discover_picker *p, uint32_t size, uint32_t client);

/*
 * Shares ejections with the other processes of this host that share those of the service, from now until it is freed:
 * who ejects an instance notifies the others, by way of the daemon and of discover_dispatch, and they leave it out for as
 * long, within the same limits: at most a tenth of all or one, never the only one, and what fails here comes first. It
 * reaches processes of the same user, and all processes if it comes from one that may register. The handle's thread.
 * -ENOMEM, -EMFILE. It does not affect discover_resolve.
 */
DISCOVER_API DISCOVER_CHECK int discover_picker_share(struct discover_picker *p);

/*
 * Pick an instance to call. 0: picked, however old the answer is (discover_age_ms); otherwise DISCOVER_E_NONE,
 * _UNKNOWN, _UNSYNCED or _BUSY. discover_pick_key picks the same instance for the same key, of the first priority, for
 * all who pick from the same instances, whether by the daemon or over DNS: it follows from addresses, ports and
 * weights. While that instance fails, its keys go to others, and return later; the keys of others stay.
 */
DISCOVER_API DISCOVER_CHECK int discover_pick(struct discover_picker *p, struct discover_endpoint *ret_endpoint);
DISCOVER_API DISCOVER_CHECK int discover_pick_key(struct discover_picker *p, const void *key, size_t n,
                                                  struct discover_endpoint *ret_endpoint);

/*
 * Picks an instance to retry a call, other than the n_tried ones whose ids are in tried. DISCOVER_E_NONE: no other is
 * left; DISCOVER_E_BUDGET: retries are limited to a fifth of the picks and 10 a second.
 */
DISCOVER_API DISCOVER_CHECK int discover_pick_retry(struct discover_picker *p, const uint64_t *tried, size_t n_tried,
                                                    struct discover_endpoint *ret_endpoint);

/*
 * Reports how a call went. Of a failure the latency counts only if it was long. Reports on instances that have gone are
 * ignored.
 */
DISCOVER_API void discover_report(struct discover_picker *p, uint64_t id, uint32_t latency_us,
                                  enum discover_outcome outcome);

/*
 * Watches a service: discover_dispatch calls fn, first with all usable instances, then whenever their set has changed.
 * Changes that follow each other quickly are reported by one call; the set is always whole. fn is called with no
 * instance when the last one goes (result DISCOVER_E_NONE, or _UNKNOWN), but not when it merely cannot be known any
 * more which instances there are. The structure is valid only during the call.
 */
struct discover_watch;
enum discover_what { DISCOVER_ADDED = 1, DISCOVER_REMOVED = 2, DISCOVER_CHANGED = 3 };

struct discover_difference {
    enum discover_what what;
    struct discover_endpoint endpoint; /* as it is now; for _REMOVED, as it was last */
};

struct discover_change {
    const char *service;
    int result;                                /* as of discover_resolve */
    const struct discover_endpoint *endpoints; /* all usable instances, ordered by id */
    size_t n;
    const struct discover_difference *differences; /* from the set that fn was called with last */
    size_t n_differences;
    const char *traceparent; /* W3C trace context of the newest change that had one; NULL: none had */
    const char *tracestate;  /* "": none */
};

typedef void discover_watch_fn(void *arg, const struct discover_change *change);

/*
 * DISCOVER_E_NAME, -ENOMEM. If the daemon refuses the watch (_LIMIT), discover_dispatch reports it. End it by
 * discover_unwatch before the handle is freed.
 */
DISCOVER_API DISCOVER_CHECK int discover_watch(struct discover *d, const char *service, discover_watch_fn *fn,
                                               void *arg, struct discover_watch **ret_w);
DISCOVER_API void discover_unwatch(struct discover_watch *w);

/*
 * A registration: make one, set what differs from the defaults, register it. It may be registered again after a
 * change (state, weight, ...): the daemon then updates the existing one.
 */
struct discover_registration;

DISCOVER_API DISCOVER_CHECK int discover_registration_new(const char *service, uint16_t port,
                                                          struct discover_registration **ret_r);
DISCOVER_API void discover_registration_free(struct discover_registration *r);
DISCOVER_API DISCOVER_CHECK int discover_registration_set_instance(struct discover_registration *r, const char *id);
/*
 * An IPv4 or IPv6 address as text, at most one of each, or one host name ("db.example.com"), which each daemon resolves
 * for its readers; default: the host's own address, whatever that is at the time. -EINVAL: nobody could reach it
 * (unspecified, multicast, link-local, ...), or neither an address nor a name; -EEXIST: the second of its family.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_add_address(struct discover_registration *r, const char *text);
DISCOVER_API DISCOVER_CHECK int discover_registration_set_protocol(struct discover_registration *r,
                                                                   enum discover_protocol protocol);
/* 1..65535: its share of the calls beside others of the service. Default: 1. */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_weight(struct discover_registration *r, uint32_t weight);
DISCOVER_API DISCOVER_CHECK int discover_registration_set_priority(struct discover_registration *r, uint16_t priority);
DISCOVER_API DISCOVER_CHECK int discover_registration_set_state(struct discover_registration *r,
                                                                enum discover_state state);
/*
 * Free text: UTF-8 without control characters, 1..255 bytes (DISCOVER_E_NAME); at most 16 (-E2BIG), none twice
 * (-EEXIST). One that is a DNS label in lower case has a name in DNS, too.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_add_tag(struct discover_registration *r, const char *tag);
DISCOVER_API DISCOVER_CHECK int discover_registration_set_meta(struct discover_registration *r, const char *key,
                                                               const char *value);
/* Binds it to heartbeats, not to the connection: it ends ttl_ms after the last discover_heartbeat. */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_ttl(struct discover_registration *r, uint32_t ttl_ms);
/*
 * Binds it to a process (not a thread) of the caller's PID namespace, not to the connection: the daemon gets its pidfd.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_pid(struct discover_registration *r, int32_t pid);
/*
 * For a rolling restart under one name: takes the name over from another connection of the same user, whose end then
 * does not take it away. Not done by itself when the handle connects again: by then others may have taken it over from
 * us.
 */
DISCOVER_API DISCOVER_CHECK int discover_registration_set_take_over(struct discover_registration *r, int on);
/* The instance's name: as set, or as the daemon made it up once registered; "" before. Lives as long as r. */
DISCOVER_API const char *discover_registration_instance(const struct discover_registration *r);

/*
 * This and all that follow wait for the daemon's answer; those of discover/async.h do the same without waiting.
 *
 * Registers, and waits for the daemon's answer (not for NATS). The handle keeps a copy and registers it again
 * after a daemon's restart; also after DISCOVER_E_UNSYNCED (no daemon) and -ETIMEDOUT: dispatch goes on trying
 * until discover_deregister. Refused, and so not kept: _DENIED, _LIMIT, _CONFLICT, -EINVAL.
 *
 * discover_deregister removes a registration of this handle, or another one of the same user's.
 * discover_heartbeat prolongs one that has a TTL. Both: DISCOVER_E_UNKNOWN when the daemon has no such registration.
 */
DISCOVER_API DISCOVER_CHECK int discover_register(struct discover *d, struct discover_registration *r);
DISCOVER_API DISCOVER_CHECK int discover_deregister(struct discover *d, const char *service, const char *instance);
DISCOVER_API DISCOVER_CHECK int discover_heartbeat(struct discover *d, const char *service, const char *instance);

/*
 * Sets the state of registrations to DISCOVER_DRAINING, so that clients start no new calls; finish those under way,
 * then call discover_deregister or discover_free. r: one that is registered; NULL: all of this handle's. Results are
 * those of discover_register, for the first that failed; the others are drained all the same. Without a daemon
 * (DISCOVER_E_UNSYNCED, -ETIMEDOUT) they are drained as soon as there is one.
 */
DISCOVER_API DISCOVER_CHECK int discover_drain(struct discover *d, struct discover_registration *r);

/*
 * For operators: sets a state, DISCOVER_DRAINING or _MAINTENANCE, for instances of this host, whatever their programs
 * set: for one instance, for all of a service (instance ""), or for the whole host (service "" as well). It covers
 * later registrations, too, and lasts across restarts of the daemon, until it is taken back (on = 0) for the same
 * names. If several cover an instance, the narrowest counts. Only for root, the daemon's user, and users who may set
 * states by api.policy (DISCOVER_E_DENIED). DISCOVER_E_UNKNOWN: nothing was set for these names; -EINVAL, _NAME,
 * _LIMIT; _UNSYNCED and -ETIMEDOUT as for every call that asks the daemon.
 */
DISCOVER_API DISCOVER_CHECK int discover_override(struct discover *d, const char *service, const char *instance,
                                                  enum discover_state state, int on);
/*
 * For operators: takes this host out of the registry, all its instances at once and everywhere, and stops the daemon;
 * registrations that outlive their connection are made again at the daemon's next start. 0: NATS has confirmed it.
 * DISCOVER_E_DENIED: only root and the daemon's user may; or NATS did not confirm it, and the daemon stops all the same
 * (discover_last_error says which). _UNSYNCED and -ETIMEDOUT as for every call that asks the daemon: give this one 5 s
 * (discover_set_timeout). After success discover_connected is 1 until the daemon's process has ended.
 */
DISCOVER_API DISCOVER_CHECK int discover_leave(struct discover *d);

/* For operators: deletes what a host that is gone has left. _UNKNOWN; _CONFLICT: it is alive; as discover_leave. */
DISCOVER_API DISCOVER_CHECK int discover_forget(struct discover *d, const char *host);

/*
 * For operators: the daemon reads its configuration again, and the files with services and secrets that it names. The
 * structure and its strings live only during the callback. Only for root and the daemon's user (DISCOVER_E_DENIED).
 * _UNSYNCED and -ETIMEDOUT as for every call that asks the daemon.
 */
struct discover_reload_result {
    const char *const *taken; /* changed keys and files that are in force now */
    size_t n_taken;
    const char *const *needs_restart; /* changed keys that take effect only at the next start */
    size_t n_needs_restart;
    const char *const *refused; /* what was refused and why, as in the daemon's log */
    size_t n_refused;
};
typedef void discover_reload_fn(void *arg, const struct discover_reload_result *result);
DISCOVER_API DISCOVER_CHECK int discover_reload(struct discover *d, discover_reload_fn *fn, void *arg);

/*
 * The text of the last error, from the daemon or the system, or why there is no connection; "" if nothing is known.
 * Valid until the next call.
 */
DISCOVER_API const char *discover_last_error(const struct discover *d);

/* The daemon's own status (discover/daemon_status.h). The structure and its strings live only during the callback. */
typedef void discover_status_fn(void *arg, const struct discover_status *status);
DISCOVER_API DISCOVER_CHECK int discover_status(struct discover *d, discover_status_fn *fn, void *arg);

/*
 * One of the daemon's documents, as text that ends with a NUL and is valid only during the callback: "status",
 * "explain", "explain/shop/payment", "metrics" (libdiscover(3)). DISCOVER_E_DENIED: it is for root and the daemon's
 * user only; DISCOVER_E_LIMIT: it is longer than 16 MiB; DISCOVER_E_PROTOCOL: an older daemon.
 */
typedef void discover_document_fn(void *arg, const char *text, size_t n);
DISCOVER_API DISCOVER_CHECK int discover_document(struct discover *d, const char *name, discover_document_fn *fn,
                                                  void *arg);

#ifdef __cplusplus
}
#endif

#endif
