/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Unix socket (proto/api.proto): takes registrations, gives the table's descriptor. Main thread only; all
 * sockets are non-blocking and live in the given event_base.
 *
 * Everybody on the host may read. Registering is for root, for the daemon's own user and for members of one group; setting a
 * state over that of all programs, and leaving, for the first two. A client that sends garbage, is slow to read or to shake
 * hands is sent the reason, counted and closed; the others do not notice.
 */
#ifndef API_API_H
#define API_API_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/string_list.h"
#include "daemon/agent/registrar.h"
#include "daemon/base/metrics.h"
#include "proto/api.pb-c.h"

struct api;

/* So few that one client keeps the others waiting for no time that anybody would notice. */
#define API_FRAMES_PER_WAKEUP 32

struct api_options {
    const char *path;
    int inherited; /* a listening socket that was passed (systemd), used instead of path; stays the caller's; or 0 */
    const char *group;   /* the group whose members may register; "": none */
    const char *version; /* of the daemon, as "0.1.0" */
    const char *host;

    uint32_t clients_max;
    uint32_t clients_per_uid_max; /* root and the daemon's own user have no such limit */
    uint32_t clients_reserve;     /* of clients_max for these two alone */
    uint32_t watches_max;         /* services that a client watches; and as many whose ejections it shares */
    uint32_t watches_per_uid_max; /* the same for a user who may not register */
    uint32_t watches_all_max;     /* the same for all; half of them for those who may register alone */
    uint32_t ejections_max;       /* ejections in force at once; a user who may not register has a quarter of them */
    uint32_t output_max;          /* bytes that may wait for a client that does not read */
    uint32_t frames_per_wakeup;   /* frames carried out for one client before the others have their turn */
    int64_t handshake_timeout_ns;
};

/* What became of a reload: keys, files and sentences. */
struct reload_report {
    struct string_list taken, restart, refused; /* restart: keys that take effect with the next start */
};

/* The checks that come with a registration, as texts. */
struct api_checks {
    char *const *specs;
    size_t n;
    bool operator_; /* root or the daemon's own user wants them */
};

/* What a program reports of an instance. */
struct api_check_report {
    struct instance_key key;
    const char *check, *note;
    enum discover_state state; /* PASSING, WARNING or CRITICAL */
    uint64_t client;
    uid_t uid;
};

/* One check for an answer; the strings live during the call. false: it was not taken, and no more are wanted. */
typedef bool api_check_fn(void *arg, const Discover__V1__CheckInfo *info);

/* What is asked of the daemon as a whole. */
struct api_daemon_ops {
    void *arg;

    /* Fills in all but the counters; its strings are read before the next turn of the loop. */
    void (*status)(void *arg, Discover__V1__Status *ret_status);

    /* Begins to take the configuration anew. Returns a number: api_reloaded of this or of a later number follows. */
    uint64_t (*reload)(void *arg);

    /* Says good-bye and stops the daemon; api_left follows. */
    void (*leave)(void *arg);

    /* Forgets a host that is gone; api_forgotten follows. As forget_begin (registry/forget.h). */
    int (*forget)(void *arg, const char *host, const char **ret_why);

    /*
     * Makes a document by its name; *ret_text is the caller's to free. -ENOENT, -EINVAL: there is none of that name;
     * -EPERM: it is for operators alone; -ENOMEM. NULL: there are no documents.
     */
    int (*document)(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n);
};

/*
 * What the socket needs from the rest. Results are those of registrar.h, which become the error codes of the API.
 * *ret_why, set where an errno does not say it all, is read before the next turn of the loop.
 */
struct api_ops {
    void *arg;
    int (*register_instance)(void *arg, struct registration_request *request, const struct api_checks *checks,
                             const char **ret_why);
    /*
     * The calls that follow were asked for with this trace context, as the client wrote it, until a call with NULL ends
     * that. whose: for people. NULL: trace contexts are ignored.
     */
    void (*operation)(void *arg, const char *traceparent, const char *tracestate, const char *whose);
    int (*report_check)(void *arg, const struct api_check_report *report); /* -ENOENT: no such check */
    /*
     * Calls fn for each check: of all instances, of those of a service (instance ""), or of one instance, until fn takes
     * no more. Returns how many were not taken.
     */
    size_t (*each_check)(void *arg, const struct instance_key *key, api_check_fn *fn, void *fn_arg);
    int (*deregister_instance)(void *arg, const struct instance_key *key, uint64_t client, uid_t uid,
                               const char **ret_why);
    int (*override)(void *arg, const struct override *override, bool on, const char **ret_why);
    /* As region_failover_force (registry/regions/region_failover.h): region "": the own one; NULL: failover decides. */
    int (*failover)(void *arg, const char *service, const char *region, uid_t uid, const char **ret_why);
    int (*heartbeat)(void *arg, const struct instance_key *key, uint64_t client, uid_t uid);
    void (*client_gone)(void *arg, uint64_t client);

    uint64_t (*epoch)(void *arg);
    int (*table_fd)(void *arg); /* descriptor of the present table; stays the owner's */

    struct api_daemon_ops daemon;
};

/*
 * Listens. A socket that was passed stays as it is at the end. Otherwise a socket file on which nobody answers is
 * removed first: the lock that keeps a second daemon out is the caller's. -EADDRINUSE: somebody answers; -ENOTSOCK: the
 * path is some other file; -ENAMETOOLONG; or a negative errno. metrics gives the counters of Status, and gets the API's
 * own.
 */
int api_new(struct event_base *base, const struct api_options *options, const struct api_ops *ops,
            struct metrics *metrics, struct api **ret_api);

/* Closes all clients (client_gone is called for each) and removes the socket file, if we made it. */
void api_free(struct api *api);

/* Accepts no further clients; those that are connected are served on. */
void api_stop_accepting(struct api *api);

/*
 * Answers all who asked to leave: done (NULL or ""), or why nobody has confirmed it. Their connections end with the
 * process, not with api_free: that is how they know that it has ended.
 */
void api_left(struct api *api, const char *why);

/* Answers all who asked to forget a host: done (""), or why it was not. */
void api_forgotten(struct api *api, const char *why);

/* Whether a client's request waits for its turn. */
bool api_has_backlog(const struct api *api);

/* An ejection of an instance that processes of this host share now. */
struct api_ejected {
    uint64_t id;  /* the instance's */
    uid_t uid;    /* user of the process that ejected it */
    bool for_all; /* passed on to processes of all users; else to that user's */
    int64_t left_ns;
};

/* Fills in the ejections of a service, at most max of them. Returns their number. */
size_t api_ejected(const struct api *api, const char *service, int64_t now_ns, size_t max, struct api_ejected *ret_all);

/* Sends all clients the new segment, when their turn comes. */
void api_table_moved(struct api *api);

/*
 * The table says something else of a service: clients that watch it are notified when their turn comes. trace: the
 * context that the change came with; or NULL. Copied.
 */
struct trace_context;
void api_changed(struct api *api, const char *service, const struct trace_context *trace);

/*
 * From now on a service that is not in the table does not exist: all clients that watch anything are notified, to look
 * again.
 */
void api_changed_all(struct api *api);

/*
 * Who may register from now on, also of those who are connected: by a group (access.h), or by the policy, which is
 * taken over. At the start, and after a reload.
 */
struct access_rule;
void api_set_access(struct api *api, const struct access_rule *rule);

/* Answers all who asked for the reload of that number, or of an earlier one. */
void api_reloaded(struct api *api, uint64_t number, const struct reload_report *report);

#endif
