/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of the local API, and their answers. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api/api_impl.h"
#include "daemon/api/named_process.h"
#include "daemon/base/status_counters.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/wire.h"

typedef Discover__V1__ClientMessage ClientMessage;

static void send_ok(struct api_client *c, uint32_t id)
{
    Discover__V1__Ok ok = DISCOVER__V1__OK__INIT;
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_OK, &ok.base, -1);
}

/* The code on the wire of an errno of the agent. */
static Discover__V1__Error__Code code_of(int err)
{
    switch (err) {
    case -EEXIST:
        return DISCOVER__V1__ERROR__CODE__CONFLICT;
    case -ENOSPC:
    case -EMSGSIZE:
        return DISCOVER__V1__ERROR__CODE__LIMIT;
    case -ENOENT:
        return DISCOVER__V1__ERROR__CODE__NOT_FOUND;
    case -EPERM:
        return DISCOVER__V1__ERROR__CODE__DENIED;
    case -ESRCH:
    case -EINVAL:
        return DISCOVER__V1__ERROR__CODE__BAD_REQUEST;
    default:
        return DISCOVER__V1__ERROR__CODE__INTERNAL;
    }
}

/* why: the reason in words; NULL: that of all such errors. */
void api_refuse_errno(struct api_client *c, uint32_t id, int err, const char *why)
{
    api_refuse(c, id, code_of(err), why ? why : registration_refusal(err));
}

void api_answer(struct api_client *c, uint32_t id, int err, const char *why)
{
    if (err < 0)
        api_refuse_errno(c, id, err, why);
    else
        send_ok(c, id);
}

bool api_check_service(struct api_client *c, uint32_t id, const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (service_ref_parse(service, domain, name, region) == 0)
        return true;
    api_refuse(c, id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, "service: " API_SERVICE_RULE);
    return false;
}

/* --- handshake --- */

static void send_welcome(struct api_client *c, uint32_t id)
{
    const struct api *api = c->api;
    Discover__V1__Welcome welcome = DISCOVER__V1__WELCOME__INIT;
    char name[64];
    snprintf(name, sizeof name, "discoverd %s", api->options.version);
    welcome.version = API_VERSION;
    welcome.daemon = name;
    welcome.host = (char *)api->options.host;
    welcome.epoch = api->ops.epoch(api->ops.arg);
    welcome.clock_ns = clock_now_ns();
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME, &welcome.base, api->ops.table_fd(api->ops.arg));
}

static void handle_hello(struct api_client *c, const ClientMessage *m)
{
    if (m->hello->version_min > API_VERSION || m->hello->version_max < API_VERSION) {
        char reason[128];
        snprintf(reason, sizeof reason, "the client speaks versions %u to %u of this API, the daemon %u to %u",
                 m->hello->version_min, m->hello->version_max, API_VERSION, API_VERSION);
        api_client_fail(c, m->id, DISCOVER__V1__ERROR__CODE__VERSION, reason);
        return;
    }
    c->greeted = true;
    loop_timer_arm(&c->timeout, INT64_MAX, 0);
    send_welcome(c, m->id);
}

/* --- registrations --- */

int api_parse_names(const struct api *api, const char *service, const char *instance, bool named,
                    struct instance_key *ret_key, const char **ret_why)
{
    *ret_key = (struct instance_key){0};
    if (service_parse(service, ret_key->domain, ret_key->service) < 0) {
        *ret_why = "service: " API_SERVICE_RULE;
        return -EINVAL;
    }
    if ((named || instance[0]) && label_copy(ret_key->instance, instance, strlen(instance)) < 0) {
        *ret_why = "instance: a name is of " LABEL_RULE;
        return -EINVAL;
    }
    return label_copy(ret_key->host, api->options.host, strlen(api->options.host));
}

static int take_record(const Discover__V1__Instance *from, struct record *ret_record, const char **ret_why)
{
    if (!from) {
        *ret_why = "record: missing";
        return -EINVAL;
    }
    struct record at_host;
    Discover__V1__Instance msg = *from;
    if (!msg.ipv4.len && !msg.ipv6.len && !msg.hostname[0]) {
        record_set_at_host(&at_host);
        msg.ipv4 = (ProtobufCBinaryData){sizeof at_host.addresses.ipv4, at_host.addresses.ipv4};
    }
    return record_from_proto(&msg, ret_record, ret_why);
}

static int take_process(struct api_client *c, const Discover__V1__Register *m, pid_t *ret_pid, const char **ret_why)
{
    int pidfd = m->pidfd ? frame_take_fd(&c->reader) : -1;
    if (m->pidfd && pidfd < 0) {
        *ret_why = "pid: its pidfd did not come along";
        return -EINVAL;
    }
    int err = named_process(&c->peer, m->pid, pidfd, ret_pid, ret_why);
    if (pidfd >= 0)
        close(pidfd);
    return err;
}

static int take_request(struct api_client *c, const Discover__V1__Register *m, struct registration_request *ret_request,
                        const char **ret_why)
{
    struct registration_request *r = ret_request;
    int err = api_parse_names(c->api, m->service, m->instance, false, &r->key, ret_why);
    if (err == 0)
        err = take_record(m->record, &r->record, ret_why);
    if (err == 0 && m->pid != 0)
        err = take_process(c, m, &r->pid, ret_why);
    if (err < 0)
        return err;
    r->client = c->id;
    r->uid = c->peer.uid;
    r->ttl_ns = m->ttl_ms * NS_PER_MS;
    r->take_over = m->take_over;
    r->checked = 0; /* its checks, if any, are planned later */
    return 0;
}

static void send_registered(struct api_client *c, uint32_t id, const char *service, const char *instance)
{
    Discover__V1__Registered registered = DISCOVER__V1__REGISTERED__INIT;
    registered.service = (char *)service;
    registered.instance = (char *)instance;
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED, &registered.base, -1);
}

void api_operation_begin(struct api_client *c, const char *traceparent, const char *tracestate, const char *service,
                         const char *instance)
{
    char whose[SERVICE_CAP + LABEL_CAP + 64];
    if (!c->api->ops.operation)
        return;
    snprintf(whose, sizeof whose, "user %u, for %.*s %.*s", (unsigned)c->peer.uid, SERVICE_CAP,
             *service ? service : "the host", LABEL_CAP, instance);
    c->api->ops.operation(c->api->ops.arg, traceparent, tracestate, whose);
}

void api_operation_end(struct api_client *c)
{
    if (c->api->ops.operation)
        c->api->ops.operation(c->api->ops.arg, NULL, NULL, NULL);
}

static int register_checked(struct api_client *c, const Discover__V1__Register *m, struct registration_request *request,
                            const char **ret_why)
{
    const struct api_checks checks = {m->checks, m->n_checks, api_is_operator(c)};
    api_operation_begin(c, m->traceparent, m->tracestate, m->service, m->instance);
    int err = c->api->ops.register_instance(c->api->ops.arg, request, &checks, ret_why);
    api_operation_end(c);
    return err;
}

/*
 * A process that connects anew may be heard before the end of its last connection, which then still has the name.
 * Closes connections of the process that it has hung up; returns whether there was one.
 */
static bool close_hung_up(const struct api_client *c)
{
    bool any = false;
    for (struct api_client *other = c->api->clients, *next; other && c->peer.pid > 0; other = next) {
        struct pollfd fd = {.fd = other->sock, .events = POLLRDHUP};
        next = other->next;
        if (other == c || other->sock < 0 || other->peer.pid != c->peer.pid || poll(&fd, 1, 0) <= 0)
            continue;
        api_client_close(other);
        any = true;
    }
    return any;
}

static void handle_register(struct api_client *c, const ClientMessage *m)
{
    struct registration_request request = {0};
    const char *why = NULL;
    if (!api_check_line(c, m->id, m->register_->service, false))
        return;
    int err = take_request(c, m->register_, &request, &why);
    if (err == 0 && !request.ttl_ns && !request.pid && !api_client_watch_peer(c))
        err = -ESRCH;
    if (err == 0)
        err = register_checked(c, m->register_, &request, &why);
    if (err == -EEXIST && close_hung_up(c))
        err = register_checked(c, m->register_, &request, &why);
    if (err < 0)
        api_refuse_errno(c, m->id, err, why);
    else
        send_registered(c, m->id, m->register_->service, request.key.instance);
}

/* No user: the right then is that of the connection alone. */
#define UID_NOBODY ((uid_t)-1)

/* Returns false if the names are none; the client has been sent the reason. */
static bool take_key(struct api_client *c, uint32_t id, const char *service, const char *instance,
                     struct instance_key *ret_key)
{
    const char *why = NULL;
    int err = api_parse_names(c->api, service, instance, true, ret_key, &why);
    if (err < 0)
        api_refuse_errno(c, id, err, why);
    return err == 0;
}

static void handle_deregister(struct api_client *c, const ClientMessage *m)
{
    const struct api *api = c->api;
    struct instance_key key;
    const char *why = NULL;
    bool own = m->deregister->own;
    if (!take_key(c, m->id, m->deregister->service, m->deregister->instance, &key))
        return;
    int err = api->ops.deregister_instance(api->ops.arg, &key, c->id, own ? UID_NOBODY : c->peer.uid, &why);
    api_answer(c, m->id, own && err == -EPERM ? 0 : err, why);
}

static void handle_heartbeat(struct api_client *c, const ClientMessage *m)
{
    const struct api *api = c->api;
    struct instance_key key;
    if (take_key(c, m->id, m->heartbeat->service, m->heartbeat->instance, &key))
        api_answer(c, m->id, api->ops.heartbeat(api->ops.arg, &key, c->id, c->peer.uid), NULL);
}

/* --- what takes its time --- */

static void handle_leave(struct api_client *c, const ClientMessage *m)
{
    if (!api_check_operator(c, m->id))
        return;
    c->leaves = (struct api_wait){1, m->id};
    c->api->ops.daemon.leave(c->api->ops.daemon.arg);
}

static void handle_reload(struct api_client *c, const ClientMessage *m)
{
    if (!api_check_operator(c, m->id))
        return;
    if (c->reloads.number)
        api_refuse(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT, "the reload that you asked for before is not done yet");
    else
        c->reloads = (struct api_wait){c->api->ops.daemon.reload(c->api->ops.daemon.arg), m->id};
}

static void send_reloaded(struct api_client *c, uint32_t id, const struct reload_report *report)
{
    Discover__V1__Reloaded reloaded = DISCOVER__V1__RELOADED__INIT;
    reloaded.n_taken = report->taken.n;
    reloaded.taken = report->taken.items;
    reloaded.n_needs_restart = report->restart.n;
    reloaded.needs_restart = report->restart.items;
    reloaded.n_refused = report->refused.n;
    reloaded.refused = report->refused.items;
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED, &reloaded.base, -1);
}

void api_reloaded(struct api *api, uint64_t number, const struct reload_report *report)
{
    api_enter(api);
    for (struct api_client *c = api->clients; c; c = c->next) {
        if (!c->reloads.number || c->reloads.number > number)
            continue;
        c->reloads.number = 0;
        send_reloaded(c, c->reloads.id, report);
    }
    api_exit(api);
}

static void send_done(struct api_client *c, const struct api_wait *w, const char *why)
{
    if (w->number && *why)
        api_refuse(c, w->id, DISCOVER__V1__ERROR__CODE__INTERNAL, why);
    else if (w->number)
        send_ok(c, w->id);
}

/* Clients that asked to leave keep their connections, to see the end of the process. */
void api_left(struct api *api, const char *why)
{
    api_enter(api);
    for (struct api_client *c = api->clients; c; c = c->next)
        send_done(c, &c->leaves, why ? why : "");
    api_exit(api);
}

static void handle_forget(struct api_client *c, const ClientMessage *m)
{
    const struct api *api = c->api;
    const char *why = NULL;
    if (!api_check_operator(c, m->id))
        return;
    int err = api->ops.daemon.forget(api->ops.daemon.arg, m->forget->host, &why);
    if (err < 0)
        api_refuse_errno(c, m->id, err, why);
    else
        c->forgets = (struct api_wait){1, m->id};
}

void api_forgotten(struct api *api, const char *why)
{
    api_enter(api);
    for (struct api_client *c = api->clients; c; c = c->next) {
        send_done(c, &c->forgets, why);
        c->forgets.number = 0;
    }
    api_exit(api);
}

/* --- status --- */

static void handle_status(struct api_client *c, const ClientMessage *m)
{
    const struct api *api = c->api;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    api->ops.daemon.status(api->ops.daemon.arg, &status);
    status_counters_fill(api->all_metrics, &status);
    api_client_send(c, m->id, DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS, &status.base, -1);
}

/* --- which is which --- */

/* A Register has some 80 fields; the rest is room for those that a later library adds. */
#define MESSAGE_FIELDS_MAX 512

typedef void request_fn(struct api_client *c, const ClientMessage *m);

static const struct request {
    uint32_t body; /* number of its field in ClientMessage */
    bool registers;
    request_fn *handle;
} requests[] = {
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO, false, handle_hello},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER, true, handle_register},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER, true, handle_deregister},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT, true, handle_heartbeat},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_REPORT_CHECK, true, api_report_check_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_CHECKS, false, api_checks_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE, false, api_override_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_FAILOVER, false, api_failover_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE, false, handle_leave},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_RELOAD, false, handle_reload},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS, false, handle_status},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_FORGET, false, handle_forget},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_DOCUMENT, false, api_document_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH, false, api_watch_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_SHARE, false, api_share_handle},
    {DISCOVER__V1__CLIENT_MESSAGE__BODY_EJECT, false, api_eject_handle},
};

static const struct request *find_request(uint32_t body)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (requests[i].body == body)
            return &requests[i];
    return NULL;
}

/* What can be seen of a message before it is unpacked, which costs far more than looking. */
struct outline {
    uint32_t id;
    const struct request *request; /* by the last member of the oneof, which is the one that counts; NULL: not known */
};

/* Returns why the bytes are no message, or NULL. */
static const char *read_outline(const uint8_t *payload, size_t n, struct outline *ret_outline)
{
    const uint8_t *at = payload, *end = payload + n;
    struct wire_field f;
    *ret_outline = (struct outline){0};
    int fields = wire_count(&discover__v1__client_message__descriptor, payload, n, MESSAGE_FIELDS_MAX);
    if (fields < 0)
        return fields == -E2BIG ? "message: of more fields than a message may have"
                                : "message: not a protobuf ClientMessage";
    while (wire_next(&at, end, &f) > 0) {
        if (f.number == 1)
            ret_outline->id = (uint32_t)f.value;
        else if (find_request(f.number))
            ret_outline->request = find_request(f.number);
    }
    return NULL;
}

/* Returns why a message cannot be carried out now, or NULL. */
static const char *out_of_place(const struct api_client *c, const struct request *request)
{
    if (!request)
        return "message: of a kind that is not known";
    if (!c->greeted && request->handle != handle_hello)
        return "handshake: the first message must be Hello";
    if (c->greeted && request->handle == handle_hello)
        return "handshake: a second Hello";
    return NULL;
}

static void fail(struct api_client *c, uint32_t id, const char *reason)
{
    metric_inc(&c->api->metrics.bad_frames);
    api_client_fail(c, id, DISCOVER__V1__ERROR__CODE__BAD_FRAME, reason);
}

static void unpack_and_handle(struct api_client *c, const struct outline *o, const uint8_t *payload, size_t n)
{
    ClientMessage *m = discover__v1__client_message__unpack(NULL, n, payload);
    if (m && m->body_case == o->request->body)
        o->request->handle(c, m);
    else
        fail(c, o->id, "message: not a protobuf ClientMessage");
    discover__v1__client_message__free_unpacked(m, NULL);
}

void api_request_handle(struct api_client *c, const uint8_t *payload, size_t n)
{
    struct outline o;
    metric_inc(&c->api->metrics.requests);
    const char *reason = read_outline(payload, n, &o);
    if (!reason)
        reason = out_of_place(c, o.request);
    if (reason)
        fail(c, o.id, reason);
    else if (!o.request->registers || api_check_right(c, o.id))
        unpack_and_handle(c, &o, payload, n);
}
