/* SPDX-License-Identifier: Apache-2.0 */
/* The Unix socket: listening, limits on clients, and what concerns all of them. */
#include "daemon/api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/api/access_policy.h"
#include "daemon/api/api_impl.h"
#include "daemon/base/log.h"
#include "daemon/base/loop_meter.h"
#include "libdiscover/core/clock.h"

#define ACCEPTS_PER_WAKEUP 16 /* connections accepted in one turn, if the slice allows it */
#define FREED_AT_ONCE      4
#define REVIEWED_AT_ONCE   8
#define ACCEPT_PAUSE_NS    NS_PER_S /* pause when there are no descriptors left */

static const struct metric metrics_table[] = {
    GAUGE_OF(api_metrics, clients, "discoverd_api_connections", "Connections to the local socket."),
    GAUGE_OF(api_metrics, closing, "discoverd_api_connections_closing",
             "Connections whose peers sent descriptors along, and that are still being closed."),
    COUNTER_OF(api_metrics, accepted, "discoverd_api_connections_accepted_total", "Connections taken."),
    COUNTER_OF(api_metrics, limited, "discoverd_api_connections_closed_total{reason=\"limit\"}",
               "Connections refused or closed: limits.api_clients or limits.api_clients_per_uid; all taken and their "
               "user had the most; could not be understood; did not read; did not say Hello in time."),
    COUNTER_OF(api_metrics, displaced, "discoverd_api_connections_closed_total{reason=\"displaced\"}", NULL),
    COUNTER_OF(api_metrics, bad_frames, "discoverd_api_connections_closed_total{reason=\"bad_frame\"}", NULL),
    COUNTER_OF(api_metrics, slow, "discoverd_api_connections_closed_total{reason=\"slow\"}", NULL),
    COUNTER_OF(api_metrics, handshake_timeouts, "discoverd_api_connections_closed_total{reason=\"no_hello\"}", NULL),
    COUNTER_OF(api_metrics, accept_errors, "discoverd_api_accept_errors_total",
               "Connections that could not be taken, for want of descriptors or memory."),
    COUNTER_OF(api_metrics, requests, "discoverd_api_requests_total", "Frames received."),
    COUNTER_OF(api_metrics, refused, "discoverd_api_refused_total", "Requests answered with an error."),
    COUNTER_OF(api_metrics, denied, "discoverd_api_denied_total", "Requests of users who may not register."),
    COUNTER_OF(api_metrics, watches_limited, "discoverd_api_watches_limited_total",
               "Watches refused because of limits.api_watches, api_watches_per_uid or api_watches_all."),
    COUNTER_OF(api_metrics, ejections, "discoverd_api_ejections_total",
               "Ejections of instances that processes shared."),
    COUNTER_OF(api_metrics, ejections_limited, "discoverd_api_ejections_limited_total",
               "Ejections not shared because of limits.ejections."),
    COUNTER_OF(api_metrics, peers_unwatched, "discoverd_api_peers_unwatched_total",
               "Registrations that end with their connection alone: the process cannot be watched."),
};
METRICS_LISTED(metrics_table)

void api_enter(struct api *api)
{
    loop_meter_enter();
    api->depth++;
}

/*
 * Frees the next closed client. Returns false when there is none, or when it has more subscriptions than end at once.
 */
static bool free_next(struct api *api)
{
    struct api_client *c = api->closed;
    if (!c || !api_subscriptions_end_some(c))
        return false;
    api->closed = c->next_closed;
    DL_DELETE(api->clients, c);
    api_client_free(c);
    metric_set(&api->metrics.clients, --api->n_clients);
    return true;
}

/* Frees closed clients; those that are left are freed in the turns of the queue. */
void api_exit(struct api *api)
{
    if (--api->depth == 0) {
        for (int n = 0; n < FREED_AT_ONCE && free_next(api); n++) {
        }
        if (api->closed)
            loop_timer_arm(&api->pump, 0, 0);
    }
    loop_meter_leave();
}

/* --- accepting --- */

/* A client over a limit gets the reason: there is room for it in the buffer of a fresh socket. */
static void turn_away(struct api *api, int sock, int err)
{
    Discover__V1__Error error = DISCOVER__V1__ERROR__INIT;
    Discover__V1__ServerMessage message = DISCOVER__V1__SERVER_MESSAGE__INIT;
    uint8_t bytes[FRAME_HEADER + 256];
    error.code = DISCOVER__V1__ERROR__CODE__LIMIT;
    error.reason = (char *)(err == -EDQUOT ? "this user has as many connections as it may (limits.api_clients_per_uid)"
                                           : "too many connections (limits.api_clients)");
    message.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR;
    message.error = &error;
    size_t n = discover__v1__server_message__pack(&message, bytes + FRAME_HEADER);
    frame_header(bytes, n);
    (void)frame_send_fd(sock, bytes, FRAME_HEADER + n, -1);
    api_close(api->closing, sock, NULL);
    metric_inc(&api->metrics.limited);
}

static int take_share(struct api *api, const struct peer *peer, struct share **ret_share)
{
    struct share_owner owner = share_owner_user(peer->uid);
    return shares_take(&api->client_shares, &owner, access_is_operator(&api->access, peer->uid), ret_share);
}

/* Of the clients that may not register: the newest of the user who has the most of them. */
static struct api_client *most_dispensable(const struct api *api)
{
    struct api_client *most = NULL;
    for (struct api_client *c = api->clients; c; c = c->next)
        if (!c->peer.may_register && c->sock >= 0 && (!most || c->share->n >= most->share->n))
            most = c;
    return most;
}

/*
 * All places are taken. A client that may register gets the place of one that may not; one that may not, that of a user
 * who has more: so everybody gets a share, however many there are.
 */
static bool make_room(struct api *api, const struct peer *peer)
{
    struct share_owner owner = share_owner_user(peer->uid);
    struct api_client *other = most_dispensable(api);
    if (!other || (!peer->may_register && other->share->n < shares_of(&api->client_shares, &owner) + 2))
        return false;
    metric_inc(&api->metrics.displaced);
    api_client_fail(other, 0, DISCOVER__V1__ERROR__CODE__LIMIT,
                    "too many connections (limits.api_clients): others have fewer than this user");
    api_client_close(other);
    return true;
}

static void take_client(struct api *api, int sock)
{
    struct peer peer;
    struct share *share;
    if (access_peer(&api->access, sock, &peer) < 0) {
        close(sock);
        metric_inc(&api->metrics.accept_errors);
        return;
    }
    int err = take_share(api, &peer, &share);
    if (err == -ENOSPC && make_room(api, &peer))
        err = take_share(api, &peer, &share);
    if (err < 0)
        turn_away(api, sock, err);
    else if (api_client_new(api, sock, &peer, share) < 0)
        metric_inc(&api->metrics.accept_errors);
    else
        metric_inc(&api->metrics.accepted);
}

/*
 * The connection that could not be accepted stays in the queue and the socket readable: without a pause this would
 * spin.
 */
static void pause_accepting(struct api *api)
{
    int64_t now_ns = clock_now_ns();
    event_del(api->acceptable);
    loop_timer_arm(&api->accept_again, now_ns + ACCEPT_PAUSE_NS, now_ns);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct api *api = arg;
    struct loop_slice slice = loop_slice_begin();
    (void)what;
    api_enter(api);
    if (api_closing_is_full(api->closing)) {
        pause_accepting(api);
        api_exit(api);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_WAKEUP && !loop_slice_over(&slice); i++) {
        int sock = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (sock >= 0) {
            take_client(api, sock);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            metric_inc(&api->metrics.accept_errors);
            pause_accepting(api);
        }
        break;
    }
    api_exit(api);
}

static void on_accept_again(void *arg)
{
    struct api *api = arg;
    event_add(api->acceptable, NULL);
}

void api_stop_accepting(struct api *api)
{
    loop_timer_arm(&api->accept_again, INT64_MAX, 0);
    (void)event_del(api->acceptable);
}

/* --- the socket file --- */

static int set_address(const char *path, struct sockaddr_un *ret_address)
{
    if (strlen(path) >= sizeof ret_address->sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(ret_address->sun_path, path);
    return 0;
}

static int somebody_answers(const struct sockaddr_un *address)
{
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return -errno;
    int err = connect(sock, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
    close(sock);
    /* EAGAIN: the queue is full, so somebody listens */
    if (err == 0 || err == EAGAIN)
        return -EADDRINUSE;
    return err == ECONNREFUSED || err == ENOENT ? 0 : -err;
}

/* Removes the socket file that a killed daemon has left. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    int err = somebody_answers(address);
    if (err < 0)
        return err;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(struct api *api, const struct sockaddr_un *address)
{
    struct stat st;
    if (bind(api->sock, (const struct sockaddr *)address, sizeof *address) < 0)
        return -errno;
    if (lstat(address->sun_path, &st) < 0)
        return -errno;
    api->dev = st.st_dev;
    api->ino = st.st_ino;
    /* Everybody may read; who may register is decided by what the kernel says of the peer. */
    if (chmod(address->sun_path, 0666) < 0 || listen(api->sock, SOMAXCONN) < 0)
        return -errno;
    return 0;
}

/* A socket that was passed: its file and its rights are left to the process that bound it. */
static int take_inherited(struct api *api)
{
    api->sock = fcntl(api->options.inherited, F_DUPFD_CLOEXEC, 0);
    return api->sock < 0 || fcntl(api->sock, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int open_socket(struct api *api)
{
    struct sockaddr_un address;
    if (api->options.inherited > 0)
        return take_inherited(api);
    int err = set_address(api->options.path, &address);
    if (err == 0)
        err = remove_stale(&address);
    if (err < 0)
        return err;
    api->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return api->sock < 0 ? -errno : bind_and_listen(api, &address);
}

static void remove_own_file(const struct api *api)
{
    struct stat st;
    if (api->ino && lstat(api->options.path, &st) == 0 && st.st_dev == api->dev && st.st_ino == api->ino)
        unlink(api->options.path);
}

/* --- life --- */

static int copy_options(struct api *api, const struct api_options *from)
{
    struct api_options *o = &api->options;
    *o = *from;
    shares_init(&api->client_shares, o->clients_max, o->clients_per_uid_max, o->clients_reserve);
    shares_init(&api->watch_shares, o->watches_all_max, o->watches_per_uid_max, o->watches_all_max / 2);
    o->path = strdup(from->path);
    o->version = strdup(from->version);
    o->host = strdup(from->host);
    return o->path && o->version && o->host ? 0 : -ENOMEM;
}

static void log_unknown(void *arg, const char *text)
{
    (void)arg;
    log_warning("api.policy: there is no %s: its line applies to nobody", text);
}

void api_review(struct api_client *c)
{
    struct api *api = c->api;
    if (c->reviewed == api->access_round)
        return;
    c->reviewed = api->access_round;
    if (c->sock >= 0)
        (void)access_peer(&api->access, c->sock, &c->peer);
}

bool api_review_some(struct api *api)
{
    for (int n = 0; n < REVIEWED_AT_ONCE && api->n_unreviewed > 0 && api->clients; n++, api->n_unreviewed--) {
        struct api_client *oldest = api->clients;
        api_review(oldest);
        DL_DELETE(api->clients, oldest);
        DL_APPEND(api->clients, oldest);
    }
    return api->n_unreviewed > 0 && api->clients;
}

/*
 * A client's rights are reviewed before its next request, and all others' in rounds: each costs a question to the
 * kernel.
 */
void api_set_access(struct api *api, const struct access_rule *rule)
{
    access_policy_free(api->access.policy);
    api->access = *rule;
    api->access_round++;
    api->n_unreviewed = api->n_clients;
    loop_timer_arm(&api->pump, 0, 0);
    if (rule->policy)
        access_policy_each_unknown(rule->policy, log_unknown, NULL);
    else if (rule->group_name[0] && !rule->has_group)
        log_warning("api.register_group: there is no group %s: only root and user %u may register", rule->group_name,
                    (unsigned)rule->own_uid);
}

int api_new(struct event_base *base, const struct api_options *options, const struct api_ops *ops,
            struct metrics *metrics, struct api **ret_api)
{
    struct access_rule rule;
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return -ENOMEM;
    api->base = base;
    api->ops = *ops;
    api->all_metrics = metrics;
    api->sock = -1;
    int err = copy_options(api, options);
    if (err == 0)
        err = loop_timer_init(&api->accept_again, base, on_accept_again, api);
    if (err == 0)
        err = loop_timer_init(&api->deliver, base, api_deliver, api);
    if (err == 0)
        err = loop_timer_init(&api->pump, base, api_pump, api);
    if (err == 0)
        err = api_closing_new(base, api, &api->closing);
    if (err == 0)
        err = open_socket(api);
    if (err == 0) {
        api->acceptable = event_new(base, api->sock, EV_READ | EV_PERSIST, on_acceptable, api);
        err = api->acceptable && event_add(api->acceptable, NULL) == 0 ? 0 : -ENOMEM;
    }
    if (err == 0)
        err = metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &api->metrics);
    if (err < 0) {
        api_free(api);
        return err;
    }
    (void)access_rule_init(&rule, options->group);
    api->access = rule;
    *ret_api = api;
    return 0;
}

void api_free(struct api *api)
{
    struct api_client *c;
    if (!api)
        return;
    api_enter(api);
    DL_FOREACH(api->clients, c)
    api_client_close(c);
    api_exit(api);
    for (struct api_client *next = api->closed; (c = next); api_client_free(c))
        next = c->next_closed;
    api_ejections_free(api);
    if (api->acceptable)
        event_free(api->acceptable);
    loop_timer_fini(&api->accept_again);
    loop_timer_fini(&api->deliver);
    loop_timer_fini(&api->pump);
    api_closing_free(api->closing);
    shares_fini(&api->client_shares);
    shares_fini(&api->watch_shares);
    if (api->sock >= 0)
        close(api->sock);
    if (api->options.path)
        remove_own_file(api);
    free((char *)api->options.path);
    free((char *)api->options.version);
    free((char *)api->options.host);
    access_policy_free(api->access.policy);
    free(api);
}

bool api_has_backlog(const struct api *api)
{
    return api->queue;
}

void api_table_moved(struct api *api)
{
    struct api_client *c;
    DL_FOREACH(api->clients, c)
    {
        c->moved = c->greeted;
        api_wait_for_turn(c);
    }
}
