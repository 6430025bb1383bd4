/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Unix socket (proto/api.proto): takes registrations, gives the table's descriptor. Main thread only; all
 * sockets are non-blocking and live in the given event_base.
 *
 * Everybody on the host may read. Registering is for root, for the daemon's own user and for members of one
 * group; setting a state over that of all programs, and leaving, for the first two. A client that sends garbage, is slow to read or to shake hands is told why, counted and closed; the
 * others do not notice.
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

/* No time at which one client keeps the others waiting that anybody would notice. */
#define API_FRAMES_PER_WAKEUP 32

struct api_options {
    const char *path;
    int inherited; /* a listening socket that was passed (systemd), used instead of path; stays the caller's; or 0 */
    const char *group;   /* whose members may register; "": none */
    const char *version; /* of the daemon, as "0.1.0" */
    const char *host;

    uint32_t clients_max;
    uint32_t clients_per_uid_max; /* root and the daemon's own user have no such limit */
    uint32_t clients_reserve;     /* of clients_max for these two alone */
    uint32_t watches_max;         /* services a client; and as many shared */
    uint32_t watches_per_uid_max; /* watched and shared, by a user who may not register */
    uint32_t watches_all_max;     /* half of them for those who may register alone */
    uint32_t ejections_max;       /* at once; a user who may not register has a quarter of them */
    uint32_t output_max;          /* bytes waiting for a client that does not read */
    uint32_t frames_per_wakeup;   /* carried out for one client before the others have their turn */
    int64_t handshake_timeout_ns;
};

/* What became of a reload: keys, files and sentences. */
struct reload_report {
    struct string_list taken, restart, refused; /* restart: takes effect with the next start */
};

/* The checks that come with a registration, as texts. */
struct api_checks {
    char *const *specs;
    size_t n;
    bool operator_; /* root or the daemon's own user wants them */
};

/* What a program says of an instance. */
struct api_check_report {
    struct instance_key key;
    const char *check, *note;
    enum discover_state state; /* PASSING, WARNING or CRITICAL */
    uint64_t client;
    uid_t uid;
};

/* One check for an answer; the strings live during the call. */
typedef void api_check_fn(void *arg, const Discover__V1__CheckInfo *info);

/*
 * What the socket needs from the rest. Results are those of registrar.h; they become the error codes of the API. *ret_why, set
 * where an errno does not say it all, is read before the next turn of the loop.
 */
struct api_ops {
    void *arg;
    int (*register_instance)(void *arg, struct registration_request *request, const struct api_checks *checks,
                             const char **ret_why);
    /*
     * What is asked for next comes with a trace context, as somebody has said it; until it is told, with NULL, that it has
     * been done. whose: for people. NULL: nobody wants to know.
     */
    void (*operation)(void *arg, const char *traceparent, const char *tracestate, const char *whose);
    int (*report_check)(void *arg, const struct api_check_report *report); /* -ENOENT: no such check */
    /* All checks, or those of a service (instance ""), or of one instance. */
    void (*each_check)(void *arg, const struct instance_key *key, api_check_fn *fn, void *fn_arg);
    int (*deregister_instance)(void *arg, const struct instance_key *key, uint64_t client, uid_t uid,
                               const char **ret_why);
    int (*override)(void *arg, const struct override *override, bool on, const char **ret_why);
    /* As region_failover_force (registry/regions/region_failover.h): region "": the own one; NULL: failover decides. */
    int (*failover)(void *arg, const char *service, const char *region, uid_t uid, const char **ret_why);
    int (*heartbeat)(void *arg, const struct instance_key *key, uint64_t client, uid_t uid);
    void (*client_gone)(void *arg, uint64_t client);

    /* Fills in all but the counters; its strings are read before the next turn of the loop. */
    void (*status)(void *arg, Discover__V1__Status *ret_status);
    uint64_t (*epoch)(void *arg);
    int (*table_fd)(void *arg); /* of the present table; stays the owner's */

    /* Takes the configuration anew. api_reloaded of the number that it returns, or of a later one, follows. */
    uint64_t (*reload)(void *arg);

    /* Says good-bye and stops the daemon; api_left follows. */
    void (*leave)(void *arg);

    /* Forgets a host that is gone; api_forgotten follows. As forget_begin (registry/forget.h). */
    int (*forget)(void *arg, const char *host, const char **ret_why);

    /*
     * A document by its name; the text is allocated, and the caller's. -ENOENT, -EINVAL: there is none of that name; -EPERM:
     * not for this one, who is no operator; -ENOMEM. NULL: there are none.
     */
    int (*document)(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n);
};

/*
 * Listens. What was passed was bound by somebody else, and stays when we go. Else the lock that keeps a second daemon out is the caller's: a socket file on which nobody answers is
 * removed. -EADDRINUSE: somebody answers; -ENOTSOCK: the path is some other file; -ENAMETOOLONG; or a negative
 * errno. metrics gives the counters of Status, and gets the API's own.
 */
int api_new(struct event_base *base, const struct api_options *options, const struct api_ops *ops,
            struct metrics *metrics, struct api **ret_api);

/* Closes all clients (client_gone is called for each) and removes the socket file, if we made it. */
void api_free(struct api *api);

/* Lets nobody else in; who is connected is served on. */
void api_stop_accepting(struct api *api);

/*
 * Answers whoever asked to leave: done, or why nobody has confirmed it. Their connections end with the process, not with
 * api_free: that is how they know that it has ended.
 */
void api_left(struct api *api, const char *why);

/* Answers whoever asked for it: done (""), or why it was not. */
void api_forgotten(struct api *api, const char *why);

/* Whether there are frames that were received and are not carried out yet. */
bool api_has_backlog(const struct api *api);

/* Ejections of a service's instances that processes of this host share now. */
struct api_ejected {
    uint64_t id;  /* of the instance */
    uid_t uid;    /* of the process that said so */
    bool for_all; /* heard by all users' processes; else by that user's */
    int64_t left_ns;
};

/* At most max of them; returns how many. */
size_t api_ejected(const struct api *api, const char *service, int64_t now_ns, size_t max, struct api_ejected *ret_all);

/* Tells all clients of the new segment, when their turn comes. */
void api_table_moved(struct api *api);

/*
 * What the table says of a service has changed: those who watch it are told when their turn comes. trace: that the change
 * came with; or NULL.
 */
struct trace_context;
void api_changed(struct api *api, const char *service, const struct trace_context *trace);

/* What the table does not say begins to mean something: all who watch anything look again. */
void api_changed_all(struct api *api);

/* Who may register, by that group's name (access.h), or by the policy, which is taken over; at the start, and after a reload. */
struct access_rule;
void api_set_access(struct api *api, const char *group, const struct access_rule *rule);

/* Answers all who asked for this reload, or for an earlier one. */
void api_reloaded(struct api *api, uint64_t number, const struct reload_report *report);

#endif
